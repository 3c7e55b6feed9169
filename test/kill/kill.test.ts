/**
 * Q1, S37: nothing is lost under real kills. A slice runs in the normal suite; `npm run test:kill` runs hundreds of
 * rounds. The seed is fixed, STEMMA_KILL_SEED names another; when a kill comes is never the same twice. What it prints
 * tells how many kills there were, and where each landed.
 */
import { expect, test } from 'vitest'
import { Random } from '../sim/random.ts'
import { Battle, type Tally, type Target } from './kill.ts'

const rounds = Number(process.env['STEMMA_KILL_ROUNDS'] ?? 8)
const seed = Number(process.env['STEMMA_KILL_SEED'] ?? 4711)

test(
  `Q1, S37: ${rounds} rounds of kill -9 lose nothing and leave nothing half done`,
  async () => {
    const random = new Random(seed)
    const battle = new Battle(random.below(2 ** 31))
    let target: Target = 'serve'
    try {
      await battle.begin()
      for (let n = 0; n < rounds; n++) {
        // The first ones in turn, so that a slice has all of them.
        const turn: readonly Target[] = ['serve', 'sync', 'join', 'revoke', 'sync', 'hook', 'both', 'sync']
        target = (n < turn.length ? turn[n] : turn[random.below(turn.length)]) ?? 'serve'
        await battle.round(target)
        if (n % 20 === 19) console.info(said(battle.tally))
      }
    } catch (error) {
      const where = `seed ${seed}, round ${battle.tally.rounds} (${target})`
      throw new Error(`${where}: ${error}\n${battle.heard}`, { cause: error })
    } finally {
      await battle.end()
    }
    console.info(said(battle.tally))
    const kills = Object.values(battle.tally.kills)
    const all = kills.reduce((sum, one) => sum + one.all, 0)
    const inside = kills.reduce((sum, one) => sum + one.inside, 0)
    expect(all).toBeGreaterThanOrEqual(rounds * 0.9)
    expect(inside / all).toBeGreaterThanOrEqual(0.5)
  },
  rounds * 20_000 + 60_000,
)

function said({ rounds, kills, at, loads, late, entries }: Tally): string {
  const by = Object.entries(kills).map(([who, { all, inside }]) => `${who} ${all} (${inside} inside)`)
  return [
    `seed ${seed}: ${rounds} rounds; kills of ${by.join(', ')}; ${late} came too late`,
    `  inside of a write or a request (a kill may show several): ${counted(at)}`,
    `  applies that were cut off carried ${counted(loads)}`,
    `  ${entries} published heads, all of them there after every kill`,
  ].join('\n')
}

const counted = (times: Readonly<Record<string, number>>): string =>
  Object.entries(times)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')
