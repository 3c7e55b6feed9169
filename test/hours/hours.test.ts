/** Q1, S4, S22: days of trouble end with everybody level and nothing lost. `npm run test:hours` has three of them. */
import { expect, test } from 'vitest'
import { Hours } from './hours.ts'

const hours = Number(process.env['STEMMA_HOURS'] ?? 10)
const first = Number(process.env['STEMMA_HOURS_SEED'] ?? 1)
const seeds = Number(process.env['STEMMA_HOURS_SEEDS'] ?? 1)

test.each(Array.from({ length: seeds }, (_, n) => first + n))(
  `Q1: ${hours} hours of sleep, lost networks, restarts, edits and power cuts (seed %i)`,
  async (seed) => {
    let at = 0
    try {
      const world = await Hours.begin(seed)
      for (; at < hours; at++) await world.hour()
      const tookMs = await world.end()
      console.info(`seed ${seed}: level ${tookMs} ms after the last hour; ${JSON.stringify(world.tally)}`)
      // Ten hours have some of each kind or another; three days have all.
      if (hours >= 72) expect(Math.min(...Object.values(world.tally.troubles))).toBeGreaterThan(0)
      expect(world.tally.struck).toBeGreaterThan(0)
      expect(world.tally.published).toBeGreaterThan(hours)
    } catch (error) {
      const again = `STEMMA_HOURS=${hours} STEMMA_HOURS_SEED=${seed} npx vitest run test/hours`
      throw new Error(`seed ${seed}, hour ${at}: ${error}\n  ${again}`, { cause: error })
    }
  },
  600_000,
)
