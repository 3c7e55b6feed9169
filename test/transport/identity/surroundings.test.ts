/** S22: a machine that slept, or whose addresses changed, is noticed without a socket that tells. */
import { describe, expect, test } from 'vitest'
import { sleptMs, surroundingsEveryMs } from '../../../schemas/limits.ts'
import { type Change, judge, watchSurroundings } from '../../../transport/identity/surroundings.ts'
import { SimClock } from '../../sim/clock.ts'

const lan = '192.168.1.7'
const tailnet = '100.64.0.7'

test.each([
  [surroundingsEveryMs, [lan], [lan], null],
  [surroundingsEveryMs, [], [], null],
  [surroundingsEveryMs + sleptMs, [lan], [lan], null],
  [surroundingsEveryMs + sleptMs + 1, [lan], [lan], 'slept'],
  [surroundingsEveryMs + sleptMs + 1, [lan], [], 'slept'],
  [surroundingsEveryMs, [lan], [], 'lost'],
  [surroundingsEveryMs, [lan], [tailnet], 'lost'],
  [surroundingsEveryMs, [lan], [lan, tailnet], 'found'],
  [surroundingsEveryMs, [], [lan], 'found'],
] as const)('%i ms after a look: %j, then %j: %s', (passedMs, before, now, change) => {
  expect(judge(passedMs, new Set(before), new Set(now))).toBe(change)
})

describe('S22: over time', () => {
  test('each change is told once, a sleep by whichever clock saw it, and nothing after the end', async () => {
    const clock = new SimClock()
    const told: Change[] = []
    let addresses: readonly string[] = [lan]
    const stop = watchSurroundings(
      clock,
      (change) => told.push(change),
      () => new Set(addresses),
    )
    const look = () => clock.advance(surroundingsEveryMs)
    await look()
    addresses = [lan, tailnet]
    await look()
    await look()
    addresses = [tailnet]
    await look()
    expect(told).toEqual(['found', 'lost'])
    clock.jumpTo(clock.now() + 3_600_000)
    await look()
    await look()
    expect(told).toEqual(['found', 'lost', 'slept'])
    stop()
    addresses = []
    await look()
    expect(told).toHaveLength(3)
    expect(clock.waiting).toBe(0)
  })

  test('on this machine: the real addresses are looked at', async () => {
    const clock = new SimClock()
    const told: Change[] = []
    const stop = watchSurroundings(clock, (change) => told.push(change))
    await clock.advance(surroundingsEveryMs)
    expect(told).toEqual([])
    stop()
  })
})
