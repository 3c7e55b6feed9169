/**
 * The command itself, as child processes of the demo. The one import of node:child_process.
 * Always holds: a child gets the environment it is given and no other, and says JSON, one object a line; none
 * outlives `Children.close`, and none this process, unless that is killed outright.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Bell } from '../../engine/env/bell.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { Fault } from '../../schemas/fault.ts'
import { demoPatienceMs } from '../../schemas/limits-cli.ts'
import { v } from '../../schemas/shape.ts'
import { mainScript } from '../built.ts'
import type { Env } from '../context.ts'

type World = { readonly clock: Clock; readonly signal: AbortSignal }
type Place = { readonly env: Env; readonly cwd: string }
/** One line of a child, as it came. */
export type Said = Readonly<Record<string, unknown>>
/** `exit` is null for a child that a signal ended. */
export type Ended = { readonly exit: number | null; readonly signal: string | null }

export class Children {
  readonly #world: World
  readonly #living = new Set<Child>()
  readonly #killAll = () => {
    for (const child of this.#living) child.kill()
  }

  constructor(world: World) {
    this.#world = world
    world.signal.addEventListener('abort', this.#killAll)
    process.once('exit', this.#killAll)
  }

  /** `stemma WORDS --json` in an environment of its own. */
  start(words: readonly string[], { env, cwd }: Place): Child {
    this.#world.signal.throwIfAborted()
    const started = spawn(process.execPath, [mainScript, ...words, '--json'], {
      cwd,
      env: { ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const child = new Child(started, nameOf(words), this.#world)
    this.#living.add(child)
    void child.ended.then(() => this.#living.delete(child))
    return child
  }

  /** Kills what still runs, and waits until it is gone. */
  async close(): Promise<void> {
    this.#killAll()
    await Promise.all([...this.#living].map((child) => child.ended))
    this.#world.signal.removeEventListener('abort', this.#killAll)
    process.removeListener('exit', this.#killAll)
  }
}

export class Child {
  /** Its command, for messages. */
  readonly words: string
  readonly ended: Promise<Ended>
  readonly #process: ChildProcessByStdio<null, Readable, Readable>
  readonly #world: World
  readonly #said: Said[] = []
  readonly #news = new Bell()
  #over: Ended | null = null
  #complaint = ''

  constructor(started: ChildProcessByStdio<null, Readable, Readable>, words: string, world: World) {
    this.words = words
    this.#process = started
    this.#world = world
    createInterface({ input: started.stdout }).on('line', (line) => {
      this.#said.push(parse(line))
      this.#news.ring()
    })
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = text.trim() || this.#complaint
    })
    this.ended = new Promise((resolve) => {
      const end = (how: Ended) => {
        this.#over ??= how
        this.#news.ring()
        resolve(this.#over)
      }
      started.once('error', (error) => {
        this.#complaint = error.message
        end({ exit: null, signal: null })
      })
      started.once('close', (exit, signal) => end({ exit, signal }))
    })
  }

  get over(): boolean {
    return this.#over !== null
  }

  /** The first line, past or to come, that tells this event and passes the test. */
  async event(name: string, test: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const found = this.#said.find((one) => one['event'] === name && test(one))
      if (found) return found
      if (this.#over) throw this.#stopped() ?? this.fault(`ended before it said "${name}"`)
      await this.#wait()
    }
  }

  /** How it ended, and the last it said. */
  async result(): Promise<Ended & { readonly said: Said }> {
    while (this.#over === null) await this.#wait()
    const stopped = this.#stopped()
    if (stopped) throw stopped
    return { ...this.#over, said: this.#said.at(-1) ?? {} }
  }

  /** As a power cut ends it: at once, with nothing tidied up. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** As a service manager ends it. */
  async stop(): Promise<Ended> {
    this.#process.kill('SIGTERM')
    while (this.#over === null) await this.#wait()
    this.#world.signal.throwIfAborted()
    return this.#over
  }

  /** A sentence about this child that ends in what it said itself. */
  fault(what: string): Fault {
    const trouble = v.safeParse(troubled, this.#said.at(-1))
    const said = trouble.success ? trouble.output.error.message : this.#complaint.split('\n').at(-1)
    return new Fault('demo-failed', `\`stemma ${this.words}\` ${what}${said ? `: ${said}` : '.'}`)
  }

  async #wait(): Promise<void> {
    const { clock, signal } = this.#world
    const late = new AbortController()
    const cancel = clock.after(demoPatienceMs, () => late.abort(this.fault('does not answer')))
    try {
      await this.#news.next(AbortSignal.any([signal, late.signal]))
    } finally {
      cancel()
    }
  }

  /** Ctrl-C reaches the children of a terminal as well, and they may be faster than we are. */
  #stopped(): unknown {
    if (this.#world.signal.aborted) return this.#world.signal.reason
    const trouble = v.safeParse(troubled, this.#said.at(-1))
    const told = trouble.success && trouble.output.error.code === 'interrupted'
    return told || this.#over?.signal === 'SIGINT' ? new Fault('interrupted', 'Stopped by SIGINT.') : null
  }
}

/** `follower join`, without what follows: a link is long. */
const nameOf = (words: readonly string[]): string =>
  words
    .slice(
      0,
      words.findIndex((word) => !/^[a-z]+$/.test(word)),
    )
    .join(' ')

const troubled = v.object({ error: v.object({ code: v.string(), message: v.string() }) })
const object = v.record(v.string(), v.unknown())

/** A line that is no object counts as one that says nothing. */
function parse(line: string): Said {
  try {
    const value: unknown = JSON.parse(line)
    return v.is(object, value) ? value : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
