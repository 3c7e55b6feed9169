/**
 * A follower whose sessions start fresh: hooks and shim as stemma installs them, and a Codex that does nothing.
 * Always holds: whether a command asked the master is seen by the file `away`; one that did otherwise than it is
 * measured for fails the run.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { makeHome } from './home.ts'
import { command, type Homes, homesIn, Master, stemma } from './machines.ts'
import type { Done, Scratch } from './scratch.ts'

/** The commands that Codex gives to a shell, and what people start instead of Codex. */
export type Way = 'start' | 'end' | 'start and end' | 'shim' | 'run'
/** The master is there and has nothing new; or it is absent, and asked for the first time; or that is known. */
export type News = 'nothing' | 'first' | 'known'

const plan = { seed: 1, files: 12, bytes: 30_000 }
/** What Codex tells a hook. */
const payload = { session_id: '01a1f877-6c21-7c73-a4c7-eebdfd22bf21', cwd: '/', source: 'startup' }

export class Session {
  readonly #scratch: Scratch
  readonly #folder: string
  readonly #homes: Homes
  readonly #master: Master
  #commands: ReadonlyMap<Way, readonly [string, ...string[]]> = new Map()

  private constructor(scratch: Scratch, name: string, master: Master) {
    this.#scratch = scratch
    this.#folder = scratch.folder(name)
    this.#homes = homesIn(this.#folder)
    this.#master = master
  }

  /** A follower of a master of its own, level with it. */
  static async start(scratch: Scratch, name: string): Promise<Session> {
    const master = await Master.start(scratch, `${name}-master`, (home) => void makeHome(home, plan))
    const session = new Session(scratch, name, master)
    await session.#install()
    return session
  }

  async #install(): Promise<void> {
    const told = async (...words: readonly string[]): Promise<unknown> =>
      JSON.parse((await stemma(this.#scratch, this.#homes, ...words, '--json')).stdout)
    await told('follower', 'join', this.#master.link, '--yes')
    await told('hook', 'install')
    const { file: shim } = Object(await told('shim', 'install'))
    mkdirSync(join(this.#folder, 'codex'))
    writeFileSync(join(this.#folder, 'codex', 'codex'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    writeFileSync(join(this.#folder, 'payload.json'), JSON.stringify(payload))
    const { hooks } = JSON.parse(readFileSync(join(this.#homes.CODEX_HOME, 'hooks.json'), 'utf8'))
    const [start, end] = ['SessionStart', 'SessionEnd'].map((event) => hooks[event].at(-1).hooks[0].command)
    this.#commands = new Map([
      ['start', ['/bin/sh', '-c', start]],
      ['end', ['/bin/sh', '-c', end]],
      ['start and end', ['/bin/sh', '-c', `${start}; ${end}`]],
      ['shim', [shim, '--version']],
      ['run', [process.execPath, command, 'run', '--', '--version']],
    ])
  }

  /** Ends the master. @returns its port, where nobody listens then. */
  async leave(): Promise<number> {
    const port = Number(new URL(this.#master.link).searchParams.get('port'))
    await this.#master.stop()
    return port
  }

  /** Goes one way to its end, and to that of whatever is left behind. */
  async go(way: Way, news: News): Promise<Done> {
    const [file, ...args] = this.#commands.get(way) ?? ['']
    if (news === 'first') rmSync(this.#away, { force: true })
    const before = this.#readAway()
    const env = {
      ...this.#homes,
      PATH: `${join(this.#folder, 'codex')}${delimiter}${process.env['PATH'] ?? ''}`,
    }
    const how = { input: join(this.#folder, 'payload.json'), behind: true }
    const done = await this.#scratch.run(file, args, env, how)
    const after = this.#readAway()
    const asExpected = {
      nothing: after === null,
      first: after !== null,
      known: after !== null && after === before,
    }
    if (way !== 'end' && !asExpected[news])
      throw new Error(`the ${way} of a session with "${news}" did not do what it is measured for`)
    if (done.stdout !== '') throw new Error(`the ${way} of a session said ${done.stdout}`)
    return done
  }

  get #away(): string {
    return join(this.#homes.STEMMA_HOME, 'away')
  }

  /** Until when nobody asks the master; null when it is not known to be away. */
  #readAway(): string | null {
    try {
      return readFileSync(this.#away, 'utf8')
    } catch {
      return null
    }
  }
}
