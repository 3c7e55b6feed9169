/**
 * A master and a follower on simulated disks, and the simulated wires between them: what tests of the talk need,
 * where one of the two may be played by hand.
 * Always holds: time stands still until a test advances it; every talk that was begun is awaited by its test.
 */
import { encode } from '../../../engine/codec/msgpack.ts'
import { sha256Hex } from '../../../engine/crypto/hash.ts'
import type { Wire } from '../../../engine/env/wire.ts'
import { Follower } from '../../../engine/follower.ts'
import { Master } from '../../../engine/master.ts'
import type { Event } from '../../../schemas/event/index.ts'
import { assert, Fault } from '../../../schemas/fault.ts'
import { isHomePath } from '../../../schemas/path.ts'
import { type Down, down, type Up, up, wireVersion } from '../../../schemas/wire/index.ts'
import { Gate } from '../../../transport/link/gate.ts'
import { host } from '../../../transport/link/host.ts'
import { follow, type PullContext, pull } from '../../../transport/link/pull.ts'
import { hear, say } from '../../../transport/link/talk.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'
import { type SimLine, simLine, type WireFaults } from '../../sim/wire.ts'

export const stemmaHome = '/stemma'
export type Files = Readonly<Record<string, string | Uint8Array | null>>

/** How a talk ended: `done`, or the code of its fault. Anything but a fault is a bug, and thrown. */
export type End = { readonly code: string; readonly why: string }
export async function endOf(talk: Promise<unknown>): Promise<End> {
  try {
    await talk
    return { code: 'done', why: '' }
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, why: error.message }
    throw error
  }
}

/** One machine that serves a log, with its gate. */
export class MasterSide {
  readonly clock: SimClock
  readonly ids: SimIds
  disk: SimDisk
  master: Master
  gate: Gate

  private constructor(clock: SimClock, ids: SimIds, disk: SimDisk, master: Master) {
    this.clock = clock
    this.ids = ids
    this.disk = disk
    this.master = master
    this.gate = new Gate(master, clock)
  }

  static async make(clock: SimClock, seed: number): Promise<MasterSide> {
    const disk = new SimDisk({ seed })
    const ids = new SimIds(seed)
    const { master } = await Master.init({ disk, clock, ids, stemmaHome })
    return new MasterSide(clock, ids, disk, master)
  }

  /** Opens what an earlier one left on its disk. */
  static async open(clock: SimClock, disk: SimDisk, seed: number): Promise<MasterSide> {
    const ids = new SimIds(seed)
    return new MasterSide(clock, ids, disk, await Master.open({ disk, clock, ids, stemmaHome }))
  }

  /** Publishes files as one batch of entries; null removes one. */
  async publish(files: Files): Promise<void> {
    const events: Event[] = []
    for (const [path, content] of Object.entries(files)) {
      assert(isHomePath(path), `${path} is a safe path`)
      if (content === null) events.push({ type: 'file.removed', body: { path } })
      else {
        const { hash, size } = await this.master.blobs.put([Buffer.from(content)])
        events.push({ type: 'file.put', body: { path, exec: false, size, blob: Buffer.from(hash, 'hex') } })
      }
    }
    await this.master.append(events)
  }

  /** A copy of everything that it has on disk now. */
  save(): SimDisk {
    return this.disk.restart()
  }

  /** Starts again on another disk, as a machine that was restored from a copy does. */
  async restore(copy: SimDisk): Promise<void> {
    await this.master.close()
    this.disk = copy.restart()
    this.master = await Master.open({ disk: this.disk, clock: this.clock, ids: this.ids, stemmaHome })
    this.gate = new Gate(this.master, this.clock)
  }

  host(wire: Wire, stopped: AbortSignal = new AbortController().signal): Promise<End> {
    const { master, gate, clock } = this
    const joined = () => undefined
    return endOf(host(wire, { master, gate, clock, joined, alone: (work) => this.#alone(work) }, stopped))
  }

  #turn: Promise<unknown> = Promise.resolve()
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

/** One machine that keeps a copy. */
export class FollowerSide {
  readonly clock: SimClock
  readonly ids: SimIds
  disk: SimDisk
  follower: Follower
  /** Sequence numbers of the heads that it was greeted with, and how often it was told to wait. */
  readonly greeted: number[] = []
  waits = 0

  private constructor(clock: SimClock, ids: SimIds, disk: SimDisk, follower: Follower) {
    this.clock = clock
    this.ids = ids
    this.disk = disk
    this.follower = follower
  }

  static async make(clock: SimClock, seed: number, disk = new SimDisk({ seed })): Promise<FollowerSide> {
    const ids = new SimIds(seed)
    return new FollowerSide(clock, ids, disk, await Follower.open({ disk, clock, ids, stemmaHome }))
  }

  get seq(): number {
    return this.follower.head?.seq ?? 0
  }

  /** Starts again from what is on its disk. */
  async reopen(): Promise<void> {
    await this.follower.close()
    this.follower = await Follower.open({ disk: this.disk, clock: this.clock, ids: this.ids, stemmaHome })
  }

  pull(wire: Wire, pin: string, stopped: AbortSignal = new AbortController().signal): Promise<End> {
    return endOf(pull(wire, this.#talker(pin), stopped))
  }

  /** @param level what is done whenever all is here. */
  follow(
    wire: Wire,
    pin: string,
    level: () => Promise<void>,
    stopped: AbortSignal = new AbortController().signal,
  ): Promise<End> {
    return endOf(follow(wire, { ...this.#talker(pin), level }, stopped))
  }

  #talker(pin: string): PullContext {
    return {
      follower: this.follower,
      clock: this.clock,
      pin: pin as PullContext['pin'],
      name: 'laptop',
      platform: 'linux' as const,
      waiting: () => {
        this.waits++
      },
      greeted: async (head: { seq: number }) => {
        this.greeted.push(head.seq)
      },
    }
  }

  /** The content of every file that the stored state names; throws when one is not here. */
  async files(): Promise<Record<string, string>> {
    const out: Record<string, string> = {}
    for (const [path, file] of this.follower.state?.files() ?? []) {
      const content = await this.follower.blobs.readWhole(file.blob)
      assert(content, `the content of ${path} is here`)
      out[path] = content.toString()
    }
    return out
  }
}

export type Pair = { readonly clock: SimClock; readonly there: MasterSide; readonly here: FollowerSide }

export async function makePair(seed = 1): Promise<Pair> {
  const clock = new SimClock()
  return {
    clock,
    there: await MasterSide.make(clock, seed),
    here: await FollowerSide.make(clock, seed + 1000),
  }
}

/** A line from a follower (left) to a master (right), each seeing the other's key. */
export function lineOf(
  { clock, there, here }: Pair,
  more: { readonly seed?: number; readonly faults?: WireFaults } = {},
): SimLine {
  return simLine({
    seed: more.seed ?? 1,
    clock,
    leftKey: here.follower.keys.node.public,
    rightKey: there.master.keys.node.public,
    ...(more.faults ? { faults: more.faults } : {}),
  })
}

/** One whole sync. */
export async function sync(
  pair: Pair,
  more: { readonly seed?: number; readonly faults?: WireFaults } = {},
): Promise<{ readonly host: End; readonly pull: End }> {
  const line = lineOf(pair, more)
  const { there, here } = pair
  const [hosted, pulled] = await Promise.all([
    there.host(line.right),
    here.pull(line.left, there.master.fingerprint),
  ])
  return { host: hosted, pull: pulled }
}

/** Everything below a folder of a disk, by content: equal before and after, nothing was stored. */
export function picture(disk: SimDisk, folder = stemmaHome): Record<string, string> {
  const out: Record<string, string> = {}
  for (const path of disk.paths(folder)) {
    const content = disk.peek(path)
    out[path] = content === null ? 'folder' : sha256Hex(content)
  }
  return out
}

/** Names that only something half done has. */
export const halfDone = (disk: SimDisk): string[] =>
  disk.paths(stemmaHome).filter((path) => /\/(?:tmp-|new-|\.tmp)[^/]*$/.test(path))

/** A follower played by hand: says what it likes and hears what comes. */
export class RawFollower {
  readonly wire: Wire
  readonly hosted: Promise<End>
  readonly #side: FollowerSide

  constructor(pair: Pair, line: SimLine = lineOf(pair)) {
    this.wire = line.left
    this.hosted = pair.there.host(line.right)
    this.#side = pair.here
  }

  hello(more: Partial<Extract<Up, { t: 'hello' }>> = {}): Promise<void> {
    const { follower } = this.#side
    return this.say({
      t: 'hello',
      version: wireVersion,
      name: 'laptop',
      platform: 'linux',
      seal: follower.keys.seal.public,
      head: follower.head?.bytes ?? null,
      follow: false,
      ...more,
    })
  }
  say(message: Up): Promise<void> {
    return say(this.wire, message)
  }
  /** Anything at all, in msgpack. */
  blurt(value: unknown): Promise<void> {
    return this.wire.send(encode(value))
  }
  /** The next message; a fault with the master's code when it ended the talk. */
  async hear(): Promise<Down> {
    const message = await hear(this.wire, down)
    assert(message, 'the master has more to say')
    return message
  }
  async expect<T extends Down['t']>(t: T): Promise<Extract<Down, { t: T }>> {
    return expecting(await this.hear(), t)
  }
}

/** A master played by hand: it has the keys and the log of a real one. */
export class RawMaster {
  readonly wire: Wire
  readonly pulled: Promise<End>
  readonly #side: MasterSide

  constructor(pair: Pair, line: SimLine = lineOf(pair), pin: string = pair.there.master.fingerprint) {
    this.wire = line.right
    this.pulled = pair.here.pull(line.left, pin)
    this.#side = pair.there
  }

  /** Hears the follower's hello and answers with one that convinces. */
  async greet(more: Partial<Extract<Down, { t: 'hello' }>> = {}): Promise<Extract<Up, { t: 'hello' }>> {
    const hello = await this.expect('hello')
    const { master } = this.#side
    await this.say({
      t: 'hello',
      version: wireVersion,
      keys: [...master.state.maps.keys.rows().values()],
      head: master.head.bytes,
      proof: master.prove(master.head, this.wire.exporter),
      ...more,
    })
    return hello
  }
  say(message: Down): Promise<void> {
    return say(this.wire, message)
  }
  blurt(value: unknown): Promise<void> {
    return this.wire.send(encode(value))
  }
  async hear(): Promise<Up> {
    const message = await hear(this.wire, up)
    assert(message, 'the follower has more to say')
    return message
  }
  async expect<T extends Up['t']>(t: T): Promise<Extract<Up, { t: T }>> {
    return expecting(await this.hear(), t)
  }
  /** Payloads of entries and heads from entry `from` on, as the log has them. */
  async records(from: number): Promise<Buffer[]> {
    const out: Buffer[] = []
    for await (const run of this.#side.master.log.records(from)) out.push(...run)
    return out
  }
  /** The next message that is not an acknowledgement. */
  async expectPast<T extends Up['t']>(t: T): Promise<Extract<Up, { t: T }>> {
    let message = await this.hear()
    while (message.t === 'ack') message = await this.hear()
    return expecting<Up, T>(message, t)
  }
}

function isOf<M extends { readonly t: string }, T extends M['t']>(
  message: M,
  t: T,
): message is Extract<M, { t: T }> {
  return message.t === t
}
function expecting<M extends { readonly t: string }, T extends M['t']>(
  message: M,
  t: T,
): Extract<M, { t: T }> {
  if (!isOf(message, t)) throw new Error(`expected ${t}, heard ${message.t}`)
  return message
}
