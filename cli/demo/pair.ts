/**
 * A master and its follower at play, and what must be true of them.
 * Always holds: what the follower should have is told by what the demo itself saved, never by stemma.
 */
import { readFile } from '../../engine/disk/save.ts'
import { exitCodes } from '../../schemas/code.ts'
import { backupBytesMax } from '../../schemas/limits.ts'
import { masterLink } from '../../schemas/report.ts'
import { count, v } from '../../schemas/shape.ts'
import type { Child } from './child.ts'
import { type Files, Machine, must } from './machine.ts'
import { canonical, local, personal } from './sample.ts'
import type { Stage } from './stage.ts'

const listening = v.object({ port: count, seq: count })
const applied = v.object({ seq: count, backups: v.array(v.string()) })

/** On loopback alone: no other machine can knock. */
export const onLoopback = ['--host', '127.0.0.1', '--allow', '127.0.0.0/8'] as const

/** A path with its new text; null removes the file. */
export type Edits = ReadonlyMap<string, string | null>

export class Pair {
  readonly stage: Stage
  readonly master: Machine
  readonly follower: Machine
  /** What the follower should hold: its own files and the master's canonical ones. */
  readonly #wanted = new Map([...local, ...canonical])
  #server: Child | null = null
  #port = 0
  #seq = 0

  private constructor(stage: Stage, master: Machine, follower: Machine) {
    this.stage = stage
    this.master = master
    this.follower = follower
  }

  static async make(stage: Stage): Promise<Pair> {
    const master = await Machine.make(stage, 'master', new Map([...canonical, ...personal]))
    return new Pair(stage, master, await Machine.make(stage, 'follower', local))
  }

  /** Where the master listens, from its first `serve` on. */
  get port(): number {
    return this.#port
  }

  /** Returns once the master accepts: on a free port, and always on that one from then on. */
  async serve(): Promise<void> {
    const server = this.master.start('master', 'serve', '--port', String(this.#port), ...onLoopback)
    const { port, seq } = v.parse(listening, await server.event('listening'))
    this.#server = server
    this.#port = port
    this.#seq = seq
  }

  async stop(): Promise<void> {
    const ended = await this.#server?.stop()
    must(ended?.exit === exitCodes.done, 'The master did not stop cleanly.')
    this.#server = null
  }

  async join(): Promise<void> {
    const { link } = await this.master.run(exitCodes.done, masterLink, 'master', 'link')
    this.#seq = (
      await this.follower.run(exitCodes.done, applied, 'follower', 'join', link, '--yes', '--no-hook')
    ).seq
  }

  /** Saves on the master and waits for it to say that all of it is published. */
  async publish(edits: Edits): Promise<void> {
    for (const [path, text] of edits) {
      if (text === null) await this.master.erase(path)
      else await this.master.put(path, text)
      if (text === null) this.#wanted.delete(path)
      else this.#wanted.set(path, text)
    }
    this.#seq += edits.size
    const seq = this.#seq
    await this.#server?.event('published', (said) => Number(said['seq']) >= seq)
  }

  /** From saving on the master to the files in place on the follower. Returns where displaced files are kept. */
  async carry(edits: Edits): Promise<readonly string[]> {
    await this.publish(edits)
    return this.sync()
  }

  async sync(): Promise<readonly string[]> {
    return (await this.follower.run(exitCodes.done, applied, 'sync')).backups
  }

  async resolve(path: string): Promise<readonly string[]> {
    const words = ['resolve', path, '--take', 'canonical']
    return (await this.follower.run(exitCodes.done, applied, ...words)).backups
  }

  /** Reads every file of the follower: each is as wanted, and there is no other. */
  async mustAgree(instead: Files = new Map()): Promise<void> {
    const wanted = new Map([...this.#wanted, ...instead])
    const found = await this.follower.files()
    for (const path of new Set([...wanted.keys(), ...found.keys()])) {
      const why = !wanted.has(path)
        ? 'should not be there'
        : !found.has(path)
          ? 'is missing'
          : 'is not as saved'
      must(wanted.get(path) === found.get(path), `On the follower ${path} ${why}.`)
    }
  }

  /** Backups are plain tar files, so a text that is kept can be found in them. */
  async mustKeep(text: string, backups: readonly string[]): Promise<void> {
    let kept = false
    for (const file of backups)
      kept ||= (await readFile(this.stage.disk, file, backupBytesMax))?.includes(text) ?? false
    must(kept, 'What was replaced on the follower is in no backup.')
  }
}
