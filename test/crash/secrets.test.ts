/**
 * Secrets and composed files under every fault at every disk call: a master that publishes, revokes and shreds, and a
 * follower that takes, composes and applies.
 */
import { describe, expect, test } from 'vitest'
import { ofEachKind, sweepsAll } from '../sim/slice.ts'
import { type Scenario, type Swept, sweep } from '../sim/sweep.ts'
import { composing } from './composing.ts'
import { acts, sealing } from './sealing.ts'

async function run<T>(scenario: Scenario<T>): Promise<Swept> {
  // Every kind of call and one reboot in the normal suite, on Windows crashes alone; every call in `npm run test:sweep`.
  const faults = scenario.windows
    ? (['crash-after', 'torn'] as const)
    : (['EIO', 'crash-after', 'torn'] as const)
  const swept = await sweep(sweepsAll ? scenario : { ...scenario, faults, reboots: 1, strikes: ofEachKind })
  const where = scenario.windows ? 'Windows' : 'POSIX'
  console.info(
    `${scenario.name} (${where}): ${swept.calls} calls, ${swept.runs} runs, ${swept.checks} checks`,
  )
  return swept
}

describe.each([false, true])('Q1: a master, Windows: %s', (windows) => {
  test.each(acts)('$name', async (act) => {
    expect((await run(sealing(act, windows))).calls).toBeGreaterThan(50)
  })
})

describe.each([false, true])('S37: a follower, Windows: %s', (windows) => {
  test('that takes secrets and composes: every moment is whole, the next start ends new, no conflict is made up', async () => {
    expect((await run(await composing(windows))).calls).toBeGreaterThan(200)
  }, 900_000)
})
