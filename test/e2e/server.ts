/**
 * A child that serves and says what happens, one JSON object a line on standard output.
 * Always holds: an event is waited for, never slept for; one that came before it was asked for counts; a child
 * that ends, or stays silent too long, fails the wait with what it said on standard error.
 */
import type { ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Longer than a scan, a reconnect or a handshake may take; shorter than the time-out of a test. */
const eventTimeoutMs = 30_000

export type Said = Readonly<Record<string, unknown>>
type Wanted = {
  readonly what: string
  readonly test: (said: Said) => boolean
  readonly done: (said: Said) => void
  readonly fail: (why: Error) => void
}

export class Server {
  /** Everything said so far, in order. */
  readonly said: Said[] = []
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #name: string
  readonly #wanted = new Set<Wanted>()
  readonly #ended: Promise<number>
  #stderr = ''
  #status: number | null = null

  constructor(child: ChildProcessByStdio<null, Readable, Readable>, name: string) {
    this.#child = child
    this.#name = name
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line))
    this.#ended = new Promise((done) => {
      child.once('error', (error) => {
        this.#stderr += `${error.message}\n`
        done(this.#end(-1))
      })
      child.once('close', (status) => done(this.#end(status ?? -1)))
    })
  }

  #take(line: string): void {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      value = null
    }
    const said: Said =
      typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : { line }
    this.said.push(said)
    for (const wanted of this.#wanted) if (wanted.test(said)) wanted.done(said)
  }

  #end(status: number): number {
    this.#status ??= status
    for (const wanted of this.#wanted) wanted.fail(this.#trouble(`ended before ${wanted.what}`))
    return this.#status
  }

  #trouble(what: string): Error {
    const said = this.said.map((line) => JSON.stringify(line)).join('\n')
    return new Error(`\`stemma ${this.#name}\` ${what} (status ${this.#status})\n${said}\n${this.#stderr}`)
  }

  /** The first event, past or to come, that is of this kind and passes the test. */
  async event(kind: string, test: (said: Said) => boolean = () => true): Promise<Said> {
    return this.#until(`it said "${kind}"`, (said) => said['event'] === kind && test(said))
  }

  /** The first line, whatever it is: the server accepts. */
  async first(): Promise<Said> {
    return this.#until('its first line', () => true)
  }

  #until(what: string, test: (said: Said) => boolean): Promise<Said> {
    const past = this.said.find(test)
    if (past) return Promise.resolve(past)
    if (this.#status !== null) return Promise.reject(this.#trouble(`ended before ${what}`))
    return new Promise((resolve, reject) => {
      const over = () => {
        clearTimeout(late)
        this.#wanted.delete(wanted)
      }
      const wanted: Wanted = {
        what,
        test,
        done: (said) => {
          over()
          resolve(said)
        },
        fail: (why) => {
          over()
          reject(why)
        },
      }
      const late = setTimeout(() => wanted.fail(this.#trouble(`took too long until ${what}`)), eventTimeoutMs)
      this.#wanted.add(wanted)
    })
  }

  /** The port of its `listening` line. */
  get port(): number {
    const port = this.said.find((said) => said['event'] === 'listening')?.['port']
    if (typeof port !== 'number') throw this.#trouble('named no port')
    return port
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw this.#trouble('has no process')
    return pid
  }

  /** What it said on standard error so far: its log. */
  get log(): string {
    return this.#stderr
  }

  /** Its exit status, once it has ended by itself. */
  ended(): Promise<number> {
    return this.#ended
  }

  /** SIGTERM, as a service manager stops it. @returns its exit status, -1 when a signal ended it. */
  async stop(): Promise<number> {
    this.#child.kill('SIGTERM')
    return this.#ended
  }

  /** SIGKILL, as a power cut stops it; nothing when it has ended. */
  async kill(): Promise<void> {
    if (this.#status === null) this.#child.kill('SIGKILL')
    await this.#ended
  }
}
