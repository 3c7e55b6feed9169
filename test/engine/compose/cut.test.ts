/** S37, S40, S43: a first apply that is cut off at any call, and then another one: no conflict is made up. */
import { expect, test } from 'vitest'
import type { SimDisk } from '../../sim/disk.ts'
import { strikesOf } from '../../sim/slice.ts'
import { at, type Home, keeperOf, plant, World } from '../machines.ts'

const own = { SessionStart: 'node /x/stemma-hook.cjs start', SessionEnd: 'node /x/stemma-hook.cjs end' }
const home = (n: number): Home => ({
  'config.toml': `model = "m${n}"\n\n[mcp_servers.docs]\ncommand = "docs ${n}"\n`,
  'hooks.json': JSON.stringify({
    hooks: { SessionStart: [{ hooks: [{ type: 'command', command: `run ${n}` }] }] },
  }),
})
const trust = (folder: string) => `[projects."${folder}"]\ntrust_level = "trusted"\n`

/** As Codex writes: into a file of its own, which takes the place. */
async function answer(disk: SimDisk): Promise<void> {
  disk.plantFile('/user/beside', `${disk.peek(at('config.toml')) ?? ''}\n${trust('/srv/new')}`, 0o600)
  await disk.rename('/user/beside', at('config.toml'))
}

test.each([
  ['an empty home', {}, false],
  ['a home in use', { 'config.toml': trust('/srv/old') }, false],
  ['a home in use, and Codex writes before the next start', { 'config.toml': trust('/srv/old') }, true],
] as const)(
  '%s',
  async (_, before: Home, writes) => {
    const world = await World.make(home(1))
    const machine = await world.join(2)
    await plant(machine.disk, { 'notes.md': 'N', ...before })
    const prepared = machine.disk.settled()
    const keeper = (disk: SimDisk) => keeperOf(disk, machine.ports, machine.follower, own)
    const probe = prepared.clone()
    await keeper(probe).apply()
    const trace = [...probe.trace]
    expect(trace.length).toBeGreaterThan(60)
    const cuts = new Map<number, SimDisk>()
    for (const call of strikesOf(trace, 'crash-after')) {
      const disk = prepared.clone()
      disk.failAt(call, 'crash-after')
      const cut = await keeper(disk)
        .apply()
        .then(() => false)
        .catch(() => true)
      if (cut) cuts.set(call, disk)
    }
    expect(cuts.size).toBeGreaterThan(25)
    for (const n of [1, 2]) {
      if (n > 1) await world.publish(home(n))
      await world.sync(machine)
      for (const [call, disk] of cuts) {
        const next = disk.restart()
        if (writes) await answer(next)
        const { inner, conflicts, left, faults } = await keeper(next).apply()
        const where = `cut off at call ${call}, then state ${n}`
        expect({ inner, conflicts, left, faults }, where).toEqual({
          inner: [],
          conflicts: [],
          left: [],
          faults: [],
        })
        const config = next.peek(at('config.toml'))?.toString()
        expect(config, where).toContain(`model = "m${n}"`)
        if (writes) expect(config, where).toContain(trust('/srv/new'))
        if (before['config.toml']) expect(config, where).toContain(trust('/srv/old'))
        expect(config?.match(/trusted_hash/g), where).toHaveLength(2)
        expect(next.peek(at('hooks.json'))?.toString(), where).toContain(`run ${n}`)
      }
    }
  },
  120_000,
)
