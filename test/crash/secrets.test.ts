/**
 * Secrets and composed files under every fault at every disk call: a master that publishes, revokes and shreds, and a
 * follower that takes, composes and applies.
 */
import { describe, expect, test } from 'vitest'
import { currentEpoch } from '../../engine/fold/reducers/epoch.ts'
import type { Follower } from '../../engine/follower.ts'
import type { Master } from '../../engine/master.ts'
import { openSecrets } from '../../engine/secrets/reader.ts'
import { assert } from '../../schemas/fault.ts'
import {
  at,
  codexHome,
  enrol,
  type Home,
  initMaster,
  keeperOf,
  look,
  openFollower,
  openMaster,
  type Ports,
  plant,
  portsOf,
  stemmaHome,
  sync,
  World,
} from '../engine/machines.ts'
import { type DiskFaultKind, SimDisk } from '../sim/disk.ts'
import { type Scenario, type Swept, sweep } from '../sim/sweep.ts'

const canary = 'sk-canary-4f9a'
const faults: readonly DiskFaultKind[] = ['EIO', 'ENOSPC', 'crash-before', 'crash-after', 'torn']

/** Nobody else can read a secret anywhere, and out of the home it is in plain text only in what the home displaced. */
async function checkSecrecy(disk: SimDisk): Promise<void> {
  for (const path of disk.paths('/user')) {
    if (!disk.peek(path)?.includes(canary)) continue
    const isHome = path.startsWith(`${codexHome}/`)
    expect(isHome || /\/backups\/[^/]+$/.test(path), `${path} holds a secret`).toBe(true)
    if (!disk.windows) expect(((await disk.stat(path))?.mode ?? 0) & 0o077, `${path} can be read`).toBe(0)
  }
}

async function run<T>(scenario: Scenario<T>): Promise<Swept> {
  // Two faults that stand for the others, and one reboot, in the normal suite; everything in the long run.
  const slice = { faults: ['EIO', 'crash-after'] as const, reboots: 1 }
  const swept = await sweep(process.env['STEMMA_SWEEP'] === 'all' ? scenario : { ...scenario, ...slice })
  const where = scenario.windows ? 'Windows' : 'POSIX'
  console.info(
    `${scenario.name} (${where}): ${swept.calls} calls, ${swept.runs} runs, ${swept.checks} checks`,
  )
  return swept
}

async function opened(follower: Follower) {
  assert(follower.state, 'it has a log')
  const { secrets, closed } = await openSecrets(
    follower.state,
    follower.blobs,
    follower.id,
    follower.keys.seal,
  )
  expect([...closed.keys()]).toEqual([])
  return Object.fromEntries([...secrets].map(([path, { plain }]) => [path, plain.toString()]))
}

describe('Q1: a master', () => {
  const first: Home = { '.env': `A=${canary} 1`, 'mise.toml': `a = "${canary}"`, 'AGENTS.md': 'a 1' }
  const second: Home = {
    '.env': `A=${canary} 2`,
    'mise.toml': null,
    'skills/a/.env*': `B=${canary}`,
    'config.toml': `model = "${canary}"\n`,
    'AGENTS.md': 'a 2',
  }
  const secrets = {
    '.env': `A=${canary} 2`,
    'skills/a/.env': `B=${canary}`,
    'config.toml': `model = "${canary}"\n`,
  }
  const friend = async () => openFollower(new SimDisk({ seed: 70 }), portsOf(70))
  const enemy = async () => openFollower(new SimDisk({ seed: 71 }), portsOf(71))

  /** As at the next start: nothing acknowledged is lost, and one more look makes all of it right. */
  async function check(disk: SimDisk, ports: Ports, acked: readonly number[], revoked: boolean | null) {
    await checkSecrecy(disk)
    const master = await openMaster(disk, ports)
    expect(master.head.seq).toBeGreaterThanOrEqual(Math.max(0, ...acked))
    await look(disk, ports, master)
    const [good, bad] = [await friend(), await enemy()]
    if (revoked !== null) {
      const row = master.followers().find(({ id }) => id === bad.id)
      if (revoked) expect(row?.revokedMs).toBeGreaterThan(0)
    }
    expect(await sync(master, good)).toBe(null)
    expect(await opened(good)).toEqual(secrets)
    await master.sweep()
    const { seq } = master.head
    expect((await look(disk, ports, master)).entries).toBe(0)
    expect(master.head.seq).toBe(seq)
    // Nothing superseded is left: two plain or sealed contents a file, and the wraps.
    expect(disk.paths(`${stemmaHome}/blobs`)).toHaveLength(Object.keys(secrets).length + 2)
    await master.close()
    await checkSecrecy(disk)
  }
  const scenario = (
    name: string,
    act: (master: Master, disk: SimDisk, ports: Ports, ack: () => void) => Promise<void>,
    revokes: boolean | null,
  ): Scenario<number> => ({
    name,
    seed: 3,
    faults,
    reboots: 2,
    async prepare(disk, world) {
      const master = await initMaster(disk, world)
      await plant(disk, first)
      await look(disk, world, master)
      await enrol(master, await friend(), 'friend')
      await enrol(master, await enemy(), 'enemy')
      await master.close()
      await plant(disk, second)
    },
    async run(disk, world) {
      const master = await openMaster(disk, world)
      const ack = () => void world.acked.push(master.head.seq)
      await act(master, disk, world, ack)
    },
    check: (disk, { acked, world }) =>
      check(disk, { ids: world.ids, clock: world.clock }, acked, revokes ? acked.length > 0 : null),
  })

  test('that publishes secrets', async () => {
    const publishes = scenario(
      'publish',
      async (master, disk, ports, ack) => {
        await look(disk, ports, master)
        ack()
        await master.sweep()
      },
      null,
    )
    expect((await run(publishes)).calls).toBeGreaterThan(60)
  }, 600_000)

  test('Q4: that revokes: the revocation stands once it was said, and the new epoch is closed to it', async () => {
    const revokes = scenario(
      'revoke',
      async (master, _disk, _ports, ack) => {
        await master.revoke((await enemy()).id)
        ack()
      },
      true,
    )
    expect((await run(revokes)).calls).toBeGreaterThan(20)
  }, 600_000)

  test('that lost its vault', async () => {
    const lost = scenario(
      'new epoch',
      async (master, disk, ports, ack) => {
        await look(disk, ports, master)
        ack()
        expect(currentEpoch(master.state)).toBe(2)
      },
      null,
    )
    const { prepare } = lost
    await run({
      ...lost,
      reboots: 2,
      async prepare(disk, world) {
        await prepare?.(disk, world)
        await disk.unlink(`${stemmaHome}/vault.json`)
      },
    })
  }, 600_000)
})

describe.each([false, true])('S37: a follower, Windows: %s', (windows) => {
  const canonical = (n: number): string =>
    `# Canonical ${n}\nmodel = "${canary} ${n}"\nsandbox_mode = "read-only"\n`
  const home = (n: number): Home => ({
    'config.toml': canonical(n),
    'work.config.toml': `model = "${n}"\n`,
    '.env': `A=${canary} ${n}`,
    'auth.json': JSON.stringify({ OPENAI_API_KEY: `${canary} ${n}` }),
    'hooks.json': JSON.stringify({
      hooks: { Stop: [{ hooks: [{ type: 'command', command: `run ${canary} ${n}` }] }] },
    }),
    ...(n === 1 ? { 'mise.toml': `a = "${canary}"` } : { 'mise.toml': null }),
  })
  const added = '\n[projects."/srv/a"]\ntrust_level = "trusted"\n\n[mcp_servers.own]\ncommand = "own"\n'
  const own = { SessionStart: 'node /x/stemma-hook.cjs start', SessionEnd: 'node /x/stemma-hook.cjs end' }

  test('that takes secrets and composes: every moment is whole, the next start ends new, no conflict is made up', async () => {
    const world = await World.make(home(1))
    const ports = portsOf(80)
    const made = new SimDisk({ seed: 80, windows })
    const follower = await openFollower(made, ports)
    await enrol(world.master, follower)
    await sync(world.master, follower)
    await keeperOf(made, ports, follower, own).apply()
    await follower.close()
    const before = made.peek(at('config.toml'))?.toString() ?? ''
    made.plantFile(at('config.toml'), `${before}${added}`, 0o600)
    made.plantFile(at('notes.md'), 'NOTES')

    await world.publish(home(2))
    const second = await openMaster(world.disk.settled(), portsOf(81))
    await world.publish(home(3))
    const third = world.master

    const swept = await run<never>({
      name: 'take and compose',
      seed: 5,
      windows,
      // A folder that refuses its sync leaves files in place that are not recorded: that is apply's own scenario.
      faults: ['EIO', 'crash-before', 'crash-after'],
      reboots: 2,
      prepare: async (disk) => copyInto(disk, made),
      async run(disk, { ids, clock }) {
        const mine = await openFollower(disk, { ids, clock })
        await sync(second, mine)
        await keeperOf(disk, { ids, clock }, mine, own).apply()
        await mine.sweep()
      },
      async check(disk, { world: { ids, clock } }) {
        await checkSecrecy(disk)
        const here = (path: string) => disk.peek(at(path))?.toString() ?? null
        // Old or new, whole.
        expect([1, 2, 3].map((n) => `A=${canary} ${n}`)).toContain(here('.env'))
        expect(here('config.toml')).toContain('[mcp_servers.own]')
        expect(here('config.toml')).toContain('/srv/a')
        const mine = await openFollower(disk, { ids, clock })
        // The master has moved on meanwhile.
        expect(await sync(third, mine)).toBe(null)
        const keeper = () => keeperOf(disk, { ids, clock }, mine, own)
        const result = await keeper().apply()
        expect([result.inner, result.left, result.faults, result.conflicts]).toEqual([[], [], [], []])
        expect(here('config.toml')).toContain(`${canary} 3`)
        expect(here('config.toml')).toContain('[mcp_servers.own]')
        expect(here('config.toml')).toContain('/srv/a')
        expect(here('config.toml')?.match(/trusted_hash/g)).toHaveLength(2)
        expect(here('work.config.toml')).toBe('model = "3"\n')
        expect(here('.env')).toBe(`A=${canary} 3`)
        expect(here('hooks.json')).toContain(`run ${canary} 3`)
        expect(here('hooks.json')?.match(/"command":/g)).toHaveLength(3)
        expect(here('mise.toml')).toBe(null)
        expect(here('notes.md')).toBe('NOTES')
        await mine.sweep()
        expect(disk.paths(`${stemmaHome}/blobs`)).toHaveLength(6)
        expect(disk.paths('/user').filter((path) => /stage|tmp-|journal/.test(path))).toEqual([])
        expect((await keeper().apply()).changed).toEqual([])
        await mine.close()
        await checkSecrecy(disk)
      },
    })
    expect(swept.calls).toBeGreaterThan(200)
  }, 900_000)
})

/** The same files on another disk. */
async function copyInto(disk: SimDisk, from: SimDisk): Promise<void> {
  for (const path of from.paths('/user')) {
    const folder = path.endsWith('/')
    const mode = (await from.stat(folder ? path.slice(0, -1) : path))?.mode ?? 0o700
    if (folder) disk.plantFolder(path.slice(0, -1), from.windows ? 0o700 : mode)
    else disk.plantFile(path, from.peek(path) ?? '', from.windows ? 0o600 : mode)
  }
}
