/** Clock and Ids, real and simulated, under one suite. */
import { expect, test } from 'vitest'
import { systemClock, systemIds } from '../../../engine/env/system.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimIds } from '../../sim/ids.ts'
import { clockSuite, idsSuite } from './suite.ts'

clockSuite('real clock', systemClock, (ms) => systemClock.wait(ms + 10))
const simulated = new SimClock()
clockSuite('simulated clock', simulated, (ms) => simulated.advance(ms))
idsSuite('real ids', systemIds)
idsSuite('simulated ids', new SimIds(7))

test('the real clock tells the time of the system', () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000)
})

test('T24: the wall clock may jump without moving what waits', async () => {
  const clock = new SimClock(1000)
  let fired = 0
  clock.after(10, () => fired++)
  clock.jumpTo(10 ** 12)
  await clock.advance(9)
  expect([fired, clock.now(), clock.monotonic()]).toEqual([0, 10 ** 12 + 9, 9])
  clock.jumpTo(0)
  await clock.advance(1)
  expect([fired, clock.now(), clock.waiting]).toEqual([1, 1, 0])
})

test('what a call starts when it fires runs before the next one, in its own time', async () => {
  const clock = new SimClock()
  const seen: string[] = []
  clock.after(10, () => {
    seen.push(`a ${clock.monotonic()}`)
    void clock.wait(5).then(() => seen.push(`b ${clock.monotonic()}`))
  })
  clock.after(20, () => seen.push(`c ${clock.monotonic()}`))
  clock.after(10, () => seen.push(`d ${clock.monotonic()}`))
  await clock.advance(20)
  expect(seen).toEqual(['a 10', 'd 10', 'b 15', 'c 20'])
})

test('the same seed gives the same ids', () => {
  const draw = (seed: number) => {
    const ids = new SimIds(seed)
    return [ids.name(), ids.bytes(8).toString('hex'), ids.fraction()]
  }
  expect(draw(3)).toEqual(draw(3))
  expect(draw(3)).not.toEqual(draw(4))
})
