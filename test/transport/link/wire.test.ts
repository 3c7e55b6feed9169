import { expect, test } from 'vitest'
import { systemClock } from '../../../engine/env/system.ts'
import { SimClock } from '../../sim/clock.ts'
import { simLine } from '../../sim/wire.ts'
import { wireSuite } from './suite.ts'
import { follower, master, openDoor } from './world.ts'

wireSuite('real', async () => {
  const door = await openDoor()
  const coming = door.next()
  const [left, right] = [await door.connect(), await coming]
  return { left, right, done: () => door.listener.close() }
})
wireSuite('simulated', async () => ({ ...simLine({ seed: 1, clock: systemClock }), done: async () => {} }))
wireSuite('simulated, slow', async () => ({
  ...simLine({ seed: 2, clock: systemClock, faults: { delayMs: 2 } }),
  done: async () => {},
}))

test('S18: each end of a real wire names the key and the address of the other', async () => {
  const door = await openDoor()
  const coming = door.next()
  const [left, right] = [await door.connect(), await coming]
  expect(Buffer.from(left.peerKey).equals(master.public)).toBe(true)
  expect(Buffer.from(right.peerKey).equals(follower.public)).toBe(true)
  expect([left.peerAddress, right.peerAddress]).toEqual(['127.0.0.1', '127.0.0.1'])
  await door.listener.close()
  expect(await left.closed).toEqual({ code: 'gone', why: 'The master stops.' })
  expect(door.listener.connections()).toBe(0)
})

test('T1: the simulated line does what it was asked, the same for the same seed', async () => {
  const run = async (seed: number) => {
    const clock = new SimClock()
    const faults = { flip: 0.2, truncate: 0.2, repeat: 0.2, reorder: 0.2, delayMs: 5, drop: 0.01 }
    const line = simLine({ seed, clock, faults })
    const got: string[] = []
    const reading = (async () => {
      for (let f = await line.right.receive(); f; f = await line.right.receive())
        got.push(Buffer.from(f).toString('hex'))
    })()
    for (let n = 0; n < 100; n++) {
      await line.left.send(Buffer.alloc(8, n)).catch(() => {})
      await clock.advance(1)
    }
    await clock.advance(10)
    line.cut()
    await reading
    return { got, done: line.done }
  }
  expect(await run(7)).toEqual(await run(7))
  expect(await run(7)).not.toEqual(await run(8))
  const seen = new Set((await Promise.all([7, 8, 9, 10].map(run))).flatMap(({ done }) => done))
  expect([...seen].sort()).toEqual(['drop', 'flip', 'reorder', 'repeat', 'truncate'])
})

test('T13: a partition is noticed by both sides, by missing pings', async () => {
  const clock = new SimClock()
  const line = simLine({ seed: 3, clock })
  line.partition()
  await line.left.send(Buffer.from('lost'))
  await clock.advance(29_999)
  const open = Symbol('open')
  expect(await Promise.race([line.right.closed, Promise.resolve(open)])).toBe(open)
  await clock.advance(1)
  expect(await line.left.closed).toMatchObject({ code: 'timed-out' })
  expect(await line.right.closed).toMatchObject({ code: 'timed-out' })
  expect(await line.right.receive()).toBeNull()
})
