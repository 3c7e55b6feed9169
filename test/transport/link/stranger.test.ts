/** What a stranger may say before it is let in, on real sockets at a real host: as much as a hello needs. */
import { expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import type { Wire } from '../../../engine/env/wire.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import {
  controlFramesMax,
  frameBytesMax,
  nameBytesMax,
  needHashesMax,
  pingEveryMs,
  strangerBytesMax,
} from '../../../schemas/limits.ts'
import { type Up, wireVersion } from '../../../schemas/wire/index.ts'
import { mintIdentity, type NodeIdentity } from '../../../transport/identity/cert.ts'
import { SimClock } from '../../sim/clock.ts'
import { Line } from './line.ts'
import { type End, MasterSide, makePair, type Pair, sync } from './pair.ts'
import { binary, continuation, frame, knock, ping, stranger, upgrade, withDoor } from './siege.ts'
import type { Door } from './world.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))
const until = async (holds: () => boolean) => {
  while (!holds()) await turn()
}

/** The master behind a real door. `ends` is how its links ended. */
async function served(
  there: MasterSide,
  run: (door: Door, ends: readonly Promise<End>[]) => Promise<void>,
): Promise<void> {
  const ends: Promise<End>[] = []
  const identity = mintIdentity(there.master.keys.node)
  const isEnrolled = (key: Uint8Array) => there.master.standing(key) === 'enrolled'
  const onWire = (wire: Wire) => void ends.push(there.host(wire))
  await withDoor({ identity, isEnrolled, clock: there.clock, onWire }, (door) => run(door, ends))
}

async function makeMaster(): Promise<MasterSide> {
  return MasterSide.make(new SimClock(), 1)
}

const said = (message: Up) => frame(binary, encode(message))
const helloOf = (name = 'laptop') =>
  said({
    t: 'hello',
    version: wireVersion,
    name,
    platform: 'linux',
    seal: Buffer.alloc(32, 9),
    head: null,
    follow: true,
  })
/** The longest that an honest follower says: none of these is there. */
const longAsk = said({
  t: 'need',
  hashes: Array.from({ length: needHashesMax }, (_, n) => Buffer.alloc(32, n % 251)),
})
const half = (length: number) => frame(binary, Buffer.alloc(length), { length: frameBytesMax })

async function link(door: Door, identity: NodeIdentity = stranger) {
  const knocked = await knock(door.listener.port, identity)
  knocked.socket.write(upgrade())
  await until(() => knocked.heard().includes('\r\n\r\n'))
  return knocked
}
/** It asks at length and is answered: it has the bounds of a follower. */
async function asksAtLength({ socket, heard }: Awaited<ReturnType<typeof link>>): Promise<void> {
  await until(() => heard().includes('proof'))
  socket.write(longAsk)
  await until(() => heard().includes('lack'))
}

test('T12: the longest hello is far below what a stranger may say', () => {
  expect(helloOf('n'.repeat(nameBytesMax)).length + 211).toBeLessThan(strangerBytesMax / 8)
  expect(longAsk.length).toBeGreaterThan(4 * strangerBytesMax)
})

const pieces = Array.from({ length: 10 }, (_, n) => [
  frame(n === 0 ? binary : continuation, Buffer.alloc(strangerBytesMax / 8), { fin: false }),
  frame(ping, Buffer.alloc(125)),
])
// Each waits until the close that was not answered is over: they do so together.
test.concurrent.each([
  ['half a frame in place of the hello', [half(strangerBytesMax)], false],
  ['half a frame behind the hello, while it waits', [helloOf(), half(strangerBytesMax)], true],
  ['a frame in pieces, with a ping behind each', [...pieces.flat()], false],
  ['whole frames that nobody asked for, while it waits', [helloOf(), longAsk], true],
])('T12: of a stranger %s is cut at once', async (_name, bytes, mustApprove) => {
  const there = await makeMaster()
  await there.master.setApproval(mustApprove)
  await served(there, async (door, ends) => {
    const { socket, heard } = await link(door)
    // One at a time, and no time passes: nothing but the count can end it.
    for (const piece of bytes) {
      socket.write(piece)
      if (mustApprove) await until(() => heard().includes('wait'))
    }
    await until(() => ends.length > 0)
    expect(await ends[0]).toMatchObject({ code: 'protocol' })
    await until(() => heard().includes('protocol Nobody has so much to say before it is let in.'))
    expect(there.gate.pending()).toEqual([])
    socket.destroy()
  })
})

test.each([
  ['for that', 'protocol', () => undefined],
  ['for another reason', 'timed-out', (line: Line) => line.wire.close('timed-out', 'No hello came in time.')],
])(
  'T12: what a stranger sends behind a close %s is not read: it waits where it is',
  async (_name, code, before) => {
    const line = new Line(new SimClock())
    line.wire.restrain()
    before(line)
    line.arrive(half(2 * strangerBytesMax))
    await turn()
    for (let n = 0; n < 8; n++) line.arrive(Buffer.alloc(frameBytesMax / 16))
    await turn()
    expect(line.readableLength).toBe(frameBytesMax / 2)
    line.destroy()
    expect((await line.wire.closed).code).toBe(code)
  },
)

test('T12: pings and pongs are no words: who waits for long is approved, and then has the bounds of a follower', async () => {
  const there = await makeMaster()
  await there.master.setApproval(true)
  await served(there, async (door) => {
    const here = await link(door)
    here.socket.write(helloOf())
    await until(() => there.gate.pending().length > 0)
    for (let sent = 0; sent < 3 * strangerBytesMax; sent += (controlFramesMax - 2) * 131) {
      const before = here.heard().length
      for (let n = 0; n < controlFramesMax - 2; n++) here.socket.write(frame(ping, Buffer.alloc(125)))
      await until(() => here.heard().length > before)
      await there.clock.advance(pingEveryMs)
    }
    for (const { id } of there.gate.pending()) expect(there.gate.approve(id)).toBe(true)
    await asksAtLength(here)
    here.socket.destroy()
  })
})

test('T12: who is let in at once, or was before, has the bounds of a follower', async () => {
  const there = await makeMaster()
  await served(there, async (door) => {
    for (let n = 0; n < 2; n++) {
      const here = await link(door, mintIdentity(signingKey(Buffer.alloc(32, 50))))
      here.socket.write(helloOf())
      await asksAtLength(here)
      here.socket.destroy()
    }
    expect(there.master.followers()).toHaveLength(1)
  })
})

test('S59: a tail that was lost comes back in frames of every size', async () => {
  const pair: Pair = await makePair()
  await pair.there.publish({ 'AGENTS.md': 'before\n' })
  await sync(pair)
  const copy = pair.there.save()
  await pair.there.publish({ 'skills/a/large.bin': Buffer.alloc(3 * 1024 * 1024, 7) })
  await sync(pair)
  await pair.there.restore(copy)
  const { here, there, clock } = pair
  const lost = here.seq - there.master.head.seq
  expect(lost).toBeGreaterThan(0)
  await served(there, async (door, ends) => {
    const identity = mintIdentity(here.follower.keys.node)
    const wire = await door.connect({ identity, pin: there.master.fingerprint, clock })
    expect(await here.pull(wire, there.master.fingerprint)).toMatchObject({ code: 'done' })
    expect(await ends[0]).toMatchObject({ code: 'done' })
  })
  expect(there.master.head.bytes).toEqual(here.follower.head?.bytes)
})
