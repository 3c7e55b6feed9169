/** Peers that take nothing, lines that are dead without a sign, and slow ones that are not. */
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { WireClose } from '../../../engine/env/wire.ts'
import {
  controlFramesMax,
  frameBytesMax,
  lifeBytesMin,
  pingEveryMs,
  pingMissedMax,
  stallTimeoutMs,
  unsentBytesMax,
} from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import { Line } from './line.ts'
import { binary, frame, ping, pong, rawLink, withDoor } from './siege.ts'
import { host, listenOn } from './world.ts'

/** Lets both what is due and what is on its way happen, until a wire has ended. */
async function untilEnded(clock: SimClock, ending: Promise<WireClose>, each: () => void): Promise<number> {
  let end: WireClose | null = null
  void ending.then((known) => {
    end = known
  })
  let beats = 0
  for (; end === null && beats < 100; beats++) {
    each()
    await new Promise((resolve) => setTimeout(resolve, 2))
    await clock.advance(pingEveryMs)
  }
  return beats
}

test('T13: who takes nothing but goes on pinging gets no pongs piled up for it, and is dropped', async () => {
  const clock = new SimClock()
  const line = new Line(clock, { isDeaf: true })
  let most = 0
  const beats = await untilEnded(clock, line.wire.closed, () => {
    for (let n = 0; n < controlFramesMax; n++) line.arrive(frame(ping, Buffer.alloc(125)))
    most = Math.max(most, line.waiting)
  })
  expect(await line.wire.closed).toMatchObject({ code: 'timed-out' })
  expect(beats).toBeLessThanOrEqual(stallTimeoutMs / pingEveryMs + 2)
  expect(most).toBeLessThan(300)
})

test('T13: for who takes nothing at all a frame waits, and no more than the bound before it', async () => {
  const clock = new SimClock()
  const line = new Line(clock, { isDeaf: true })
  const sending = (async () => {
    for (;;) await line.wire.send(Buffer.alloc(frameBytesMax / 4))
  })()
  const failed = expect(sending).rejects.toMatchObject({ code: 'timed-out' })
  let most = 0
  await untilEnded(clock, line.wire.closed, () => {
    line.arrive(frame(pong, Buffer.alloc(0)))
    most = Math.max(most, line.waiting)
  })
  await failed
  expect(most).toBeGreaterThanOrEqual(unsentBytesMax)
  expect(most).toBeLessThan(unsentBytesMax + frameBytesMax)
})

/** Something in the middle that can die without a word: nothing goes on, and nothing is closed. */
async function middle(to: number, closing: (() => void)[]): Promise<{ port: number; die: () => void }> {
  const sockets: Socket[] = []
  let isDead = false
  const port = await listenOn(closing, (near) => {
    const far = connectPlain(to, host).on('error', () => undefined)
    sockets.push(near, far)
    near.on('data', (bytes) => isDead || far.write(bytes))
    far.on('data', (bytes) => isDead || near.write(bytes))
  })
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    port,
    die: () => {
      isDead = true
    },
  }
}

test.each([
  ['that rests', false],
  ['on which the master publishes', true],
])('T13: a half-open link %s is noticed by both sides, each by its own beat', async (_what, publishes) => {
  const clock = new SimClock()
  const closing: (() => void)[] = []
  await withDoor({ clock }, async (door) => {
    const { port, die } = await middle(door.listener.port, closing)
    const coming = door.next()
    const near = await door.connect({ port, clock, beat: { everyMs: pingEveryMs / 2, missedMax: 1 } })
    const far = await coming
    await far.send(Buffer.from('hello'))
    expect(await near.receive()).toHaveLength(5)
    die()
    const beats = await untilEnded(clock, far.closed, () => {
      // What the system takes for a peer that is gone is no sign that it is there.
      if (publishes) far.send(Buffer.alloc(1000)).catch(() => undefined)
    })
    expect(await far.closed).toMatchObject({ code: 'timed-out', why: 'The other side has fallen silent.' })
    expect(await near.closed).toMatchObject({ code: 'timed-out' })
    expect(beats).toBeLessThanOrEqual(pingMissedMax + 2)
    for (const close of closing) close()
  })
})

test('T13: a large frame on a slow line is no silence; a trickle is', async () => {
  const clock = new SimClock()
  await withDoor({ clock }, async (door) => {
    const { socket, far } = await rawLink(door)
    const size = 10 * lifeBytesMin
    const whole = frame(binary, Buffer.alloc(size, 7), { length: size })
    const step = lifeBytesMin + 100
    for (let at = 0; at < whole.length; at += step) {
      socket.write(whole.subarray(at, at + step))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await clock.advance(pingEveryMs)
    }
    expect(await far.receive()).toHaveLength(size)
    socket.write(frame(binary, Buffer.alloc(0), { length: frameBytesMax }))
    const beats = await untilEnded(clock, far.closed, () => {
      if (!socket.destroyed) socket.write(Buffer.of(1))
    })
    expect(await far.closed).toMatchObject({ code: 'timed-out', why: 'The other side has fallen silent.' })
    expect(beats).toBeLessThanOrEqual(pingMissedMax + 2)
    if (!socket.closed) await once(socket, 'close')
  })
})
