/**
 * A master and its followers without sockets: greetings and records are handed over by the test.
 * Always holds: the same seeds give the same keys, ids and bytes.
 */
import { type Channel, Follower, type Greeting } from '../../engine/follower.ts'
import { Master } from '../../engine/master.ts'
import type { Event } from '../../schemas/event/index.ts'
import { assert } from '../../schemas/fault.ts'
import type { Hash } from '../../schemas/shape.ts'
import { wireVersion } from '../../schemas/wire/index.ts'
import { SimClock } from '../sim/clock.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import { home, mark } from './fixture.ts'

export const masterHome = '/m'
export const followerHome = '/f'
export const exporter = Buffer.alloc(32, 0x55)

export type Machine = { readonly disk: SimDisk; readonly clock: SimClock; readonly ids: SimIds }
export const machine = (seed: number, disk = new SimDisk({ seed })): Machine => ({
  disk,
  clock: new SimClock(),
  ids: new SimIds(seed),
})
export const openMaster = (at: Machine): Promise<Master> => Master.open({ ...at, stemmaHome: masterHome })
export const openFollower = (at: Machine): Promise<Follower> =>
  Follower.open({ ...at, stemmaHome: followerHome })

export async function newMaster(seed = 1): Promise<{ readonly at: Machine; readonly master: Master }> {
  const at = machine(seed)
  const { master } = await Master.init({ ...at, stemmaHome: masterHome })
  return { at, master }
}

/** The disk as a backup would have it: everything so far, nothing from now on. */
export const backupOf = (at: Machine, seed: number): Machine => machine(seed, at.disk.settled())

/** Puts a content and publishes it under a path. */
export async function publish(master: Master, path: string, text: string): Promise<void> {
  const { hash, size } = await master.blobs.put([Buffer.from(text)])
  const event: Event = {
    type: 'file.put',
    body: { path: home(path), exec: false, size, blob: Buffer.from(hash, 'hex') },
  }
  await master.append([event])
}

/** What a master says first, on a channel of its own. */
export function greetingOf(master: Master, head = master.freshHead): Greeting {
  const keys = [...master.state.maps.keys.rows().values()]
  return { version: wireVersion, keys, head: head.bytes, proof: master.prove(head, exporter) }
}
export const channelOf = (master: Master) => ({ peerKey: master.keys.node.public, exporter })

export async function recordsOf(from: Pick<Master, 'log'> | Follower, first: number): Promise<Buffer[]> {
  assert(from.log, 'there is a log')
  const out: Buffer[] = []
  for await (const run of from.log.records(first)) out.push(...run)
  return out
}
/** Copies contents from one store into the other. */
export const fetchFrom =
  (there: Pick<Master, 'blobs'>, here: Pick<Follower, 'blobs'>) =>
  async (hashes: readonly Hash[]): Promise<void> => {
    for (const hash of hashes) await here.blobs.put(there.blobs.read(hash), hash)
  }
/** A first join: the base and its contents. */
export async function join(master: Master, follower: Follower): Promise<void> {
  const { parts, head } = await master.log.base()
  const keys = master.state.keys
  assert(keys, 'a log has its charter')
  const refusal = await follower.takeBase(parts, head, keys, fetchFrom(master, follower))
  assert(refusal === null, `an honest base is taken: ${refusal?.why}`)
}
/** Everything since, as one link would bring it. */
export async function catchUp(master: Master, follower: Follower) {
  const keys = master.state.keys
  assert(keys && follower.head, 'both have a log')
  return follower.takeRun(await recordsOf(master, follower.head.seq + 1), keys, fetchFrom(master, follower))
}

export const keysOf = (master: Master) => {
  const keys = master.state.keys
  assert(keys, 'a log has its charter')
  return keys
}
/** All that a follower could have changed by believing something. */
export const stored = (follower: Follower) =>
  follower.state && follower.head
    ? `${mark(follower.state)} ${follower.head.bytes.toString('hex')}`
    : 'nothing'

/** A master with some history, and a follower that has all of it. */
export async function pair() {
  const { at, master } = await newMaster()
  await publish(master, 'AGENTS.md', 'one')
  await publish(master, 'rules/a.md', 'a')
  const here = machine(21)
  const follower = await openFollower(here)
  await join(master, follower)
  const ask = (greeting: Greeting = greetingOf(master), channel: Channel = channelOf(master)) =>
    follower.judge(greeting, channel, master.fingerprint)
  return { at, master, here, follower, ask }
}
