/**
 * Somebody in the middle of a talk, behind the TLS: what no real attacker can be, but what a broken or hostile
 * other end amounts to. Frames are seen, altered, left out, repeated and put elsewhere.
 * Always holds: the talk ends, if not by itself then by the clock; the same worlds and the same meddling give the
 * same talk.
 */
import type { Wire } from '../../../engine/env/wire.ts'
import { Fault } from '../../../schemas/fault.ts'
import { stallTimeoutMs } from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import type { SimDisk } from '../../sim/disk.ts'
import { type End, FollowerSide, lineOf, MasterSide, type Pair } from './pair.ts'

export type Direction = 'up' | 'down'
/** What goes on instead of a frame: itself, others, several, or nothing. */
export type Meddle = (direction: Direction, index: number, frame: Buffer) => readonly Uint8Array[]
export type Meddled = {
  readonly host: End
  readonly pull: End
  /** What each side sent. */
  readonly frames: { readonly [D in Direction]: readonly Buffer[] }
}

/** Two machines as they lie on their disks, to be started as often as a test likes. */
export type Scene = { readonly there: SimDisk; readonly here: SimDisk; readonly nowMs: number }

export async function sceneOf({ there, here, clock }: Pair): Promise<Scene> {
  const scene = { there: there.save(), here: here.disk.restart(), nowMs: clock.now() }
  return scene
}

export async function play({ there, here, nowMs }: Scene): Promise<Pair> {
  const clock = new SimClock(nowMs)
  return {
    clock,
    there: await MasterSide.open(clock, there.restart(), 31),
    here: await FollowerSide.make(clock, 32, here.restart()),
  }
}

/** One sync with somebody in the middle. */
export async function meddled(pair: Pair, meddle: Meddle): Promise<Meddled> {
  const { clock, there, here } = pair
  // One seed gives both lines the same exporter: the proof of the master is not what is under test.
  const near = lineOf(pair)
  const far = lineOf(pair)
  const frames = { up: [] as Buffer[], down: [] as Buffer[] }
  const stop = new AbortController()
  const talks = Promise.all([
    there.host(far.right, stop.signal),
    here.pull(near.left, there.master.fingerprint, stop.signal),
  ])
  const pump = async (direction: Direction, from: Wire, to: Wire): Promise<void> => {
    for (let frame = await from.receive(); frame !== null; frame = await from.receive()) {
      const own = Buffer.from(frame)
      const index = frames[direction].push(own) - 1
      for (const out of meddle(direction, index, own)) await to.send(out)
    }
    const { code, why } = await from.closed
    to.close(code, why)
  }
  // A send to a side that has left is no one's loss.
  const pumps = Promise.allSettled([pump('up', near.right, far.left), pump('down', far.left, near.right)])
  let ended = false
  const ending = talks.then((ends) => {
    ended = true
    return ends
  })
  for (let turns = 0; !ended && turns < 4; turns++) await clock.advance(turns === 0 ? 0 : stallTimeoutMs + 1)
  if (!ended) stop.abort(new Fault('timed-out', 'The sync took too long.'))
  const [host, pull] = await ending
  await pumps
  return { host, pull, frames }
}
