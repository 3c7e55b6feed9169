/**
 * A follower with secrets, a composed config.toml and hooks, for the sweeps: it takes what is new, composes and
 * applies; and what must hold at its next start, wherever it was cut off.
 */
import { expect } from 'vitest'
import { hookKey, readHooksFile } from '../../engine/codex/hook.ts'
import { trustStatus } from '../../engine/codex/trust.ts'
import { approvalsOf, hooksFileOf } from '../../engine/compose/approvals.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Master } from '../../engine/master.ts'
import { readToml } from '../../engine/toml/toml.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import type { Platform } from '../../schemas/shape.ts'
import {
  at,
  codexHome,
  enrol,
  type Home,
  keeperOf,
  World as Machines,
  openFollower,
  openMaster,
  portsOf,
  stemmaHome,
  sync,
} from '../engine/machines.ts'
import { SimDisk } from '../sim/disk.ts'
import type { Outcome, Scenario } from '../sim/sweep.ts'
import { canary, checkSecrecy } from './canary.ts'

const canonical = (n: number): string =>
  `# Canonical ${n}\nmodel = "${canary} ${n}"\nsandbox_mode = "read-only"\n\n[mcp_servers.docs]\ncommand = "docs ${n}"\n`
const group = (command: string) => ({ hooks: [{ type: 'command', command }] })
const groups = (count: number, command: string) =>
  Array.from({ length: count }, (_, index) => group(`${command} ${index}`))
/** With every state the places of the other hooks move by one, ours and the user's. */
const home = (n: number): Home => ({
  'config.toml': canonical(n),
  'work.config.toml': `model = "${n}"\n`,
  '.env': `A=${canary} ${n}`,
  'auth.json': JSON.stringify({ OPENAI_API_KEY: `${canary} ${n}` }),
  'hooks.json': JSON.stringify({
    hooks: { SessionStart: groups(n - 1, 'news'), Stop: groups(n, `run ${canary}`) },
  }),
  ...(n === 1 ? { 'mise.toml': `a = "${canary}"` } : { 'mise.toml': null }),
})
/** What Codex and the user wrote here. */
const written = {
  trust: '[projects."/srv/a"]\ntrust_level = "trusted"\n',
  approval: '[mcp_servers.docs.tools.search]\napproval_mode = "approve"\n',
  server: '[mcp_servers.own]\ncommand = "own"\n',
}
/** What Codex writes before the next start. */
const late = '[projects."/srv/late"]\ntrust_level = "trusted"\n'
const mine = 'my own hook'
const own = { SessionStart: 'node /x/stemma-hook.cjs start', SessionEnd: 'node /x/stemma-hook.cjs end' }
const files = [...Object.keys(home(1)), 'notes.md']
const platformOf = ({ windows }: SimDisk): Platform => (windows ? 'win32' : 'linux')

export type Composing = Scenario<never> & {
  /** What the next start has to come to, without the master: nothing half done. */
  readonly checkMoment: (disk: SimDisk) => void
}

/** @param wrap stands between the follower and its disk. */
export async function composing(
  windows: boolean,
  wrap: (disk: SimDisk) => Disk = (disk) => disk,
): Promise<Composing> {
  const world = await Machines.make(home(1))
  const ports = portsOf(80)
  const made = new SimDisk({ seed: 80, windows })
  const follower = await openFollower(made, ports)
  await enrol(world.master, follower)
  await sync(world.master, follower)
  await keeperOf(made, ports, follower, own).apply()
  await follower.close()
  await edit(made)
  await world.publish(home(2))
  const second = await openMaster(world.disk.settled(), portsOf(81))
  await world.publish(home(3))
  const third = world.master

  const run: Scenario<never>['run'] = async (disk, { ids, clock, begin }) => {
    const careful = wrap(disk)
    const machine = await openFollower(careful, { ids, clock })
    await sync(second, machine)
    // What came so far has its sweeps elsewhere: keys, log, contents.
    begin()
    await keeperOf(careful, { ids, clock }, machine, own).apply()
    await machine.sweep()
  }
  const after = made.clone()
  const machine = await openFollower(after, portsOf(82))
  await sync(second, machine)
  await keeperOf(after, portsOf(82), machine, own).apply()
  const whole = new Map(files.map((path) => [path, [made, after].map((disk) => textOf(disk, path))]))
  const checkMoment = (disk: SimDisk): void => {
    const wrong = files.filter((path) => !whole.get(path)?.includes(textOf(disk, path)))
    expect(
      wrong.map((path) => `${path}: ${textOf(disk, path)}`),
      'neither old nor new',
    ).toEqual([])
  }
  return {
    name: 'take and compose',
    seed: 5,
    windows,
    // A folder that refuses its sync leaves files in place that are not recorded: that is apply's own scenario.
    faults: ['EIO', 'crash-before', 'crash-after', 'torn'],
    reboots: 2,
    prepare: (disk) => copyInto(disk, made),
    run,
    checkMoment,
    async check(disk, outcome) {
      await checkSecrecy(disk)
      // What the check before this one brought in is newer.
      if (outcome.after !== 'again') checkMoment(disk)
      // Codex goes on meanwhile, whatever was cut off.
      if (outcome.after === 'killed') await append(disk, late)
      await check(disk, outcome, third)
    },
  }
}

/** As Codex and the user do between two syncs: a folder is trusted, a tool and a hook are approved, a server is added. */
async function edit(disk: SimDisk): Promise<void> {
  const hooks = JSON.parse(textOf(disk, 'hooks.json') ?? '')
  hooks.hooks.Stop.push(group(mine))
  const text = JSON.stringify(hooks)
  disk.plantFile(at('hooks.json'), text, 0o600)
  const hook = readHooksFile(text, platformOf(disk)).hooks.find(({ command }) => command === mine)
  assert(hook, 'Codex would see it')
  const key = JSON.stringify(hookKey(await hooksFileOf(disk, codexHome), hook))
  const approved = `[hooks.state.${key}]\ntrusted_hash = "${hook.hash}"\n`
  const parts = [textOf(disk, 'config.toml'), ...Object.values(written), approved]
  disk.plantFile(at('config.toml'), parts.join('\n'), 0o600)
  disk.plantFile(at('notes.md'), 'NOTES')
}

/** As Codex writes: into a file of its own, which takes the place. */
async function append(disk: SimDisk, entry: string): Promise<void> {
  disk.plantFile('/user/beside', `${textOf(disk, 'config.toml')}\n${entry}`, 0o600)
  await disk.rename('/user/beside', at('config.toml'))
}

/** As at the next start, while the master has moved on meanwhile. */
async function check(disk: SimDisk, { world, after, fault }: Outcome<never>, third: Master): Promise<void> {
  const machine = await openFollower(disk, world)
  const keeper = () => keeperOf(disk, world, machine, own)
  await keeper().recover()
  // Neither a file that cannot be read nor one that Codex wrote meanwhile holds up the one that goes with it.
  if (fault !== 'EIO' && after !== 'killed') await checkTrust(disk)
  expect(await sync(third, machine)).toBe(null)
  const { inner, left, faults, conflicts } = await keeper().apply()
  expect({ inner, left, faults, conflicts }, 'what was made up').toEqual({
    inner: [],
    left: [],
    faults: [],
    conflicts: [],
  })
  const config = textOf(disk, 'config.toml') ?? ''
  const read = readToml(config)
  assert(!isRefusal(read), 'config.toml is TOML')
  const { hooks: _, projects, ...table } = read.table
  const trusted = { trust_level: 'trusted' }
  expect([{ '/srv/a': trusted }, { '/srv/a': trusted, '/srv/late': trusted }]).toContainEqual(projects)
  if (after === 'killed') expect(Object.keys(projects ?? {})).toContain('/srv/late')
  expect(table).toEqual({
    model: `${canary} 3`,
    sandbox_mode: 'read-only',
    mcp_servers: {
      docs: { command: 'docs 3', tools: { search: { approval_mode: 'approve' } } },
      own: { command: 'own' },
    },
  })
  expect(config).toContain('# Canonical 3')
  await checkTrust(disk)
  const plain = ['.env', 'auth.json', 'work.config.toml', 'mise.toml', 'notes.md'] as const
  expect(plain.map((path) => textOf(disk, path))).toEqual([
    home(3)['.env'],
    home(3)['auth.json'],
    home(3)['work.config.toml'],
    null,
    'NOTES',
  ])
  await machine.sweep()
  expect(disk.paths(`${stemmaHome}/blobs`)).toHaveLength(6)
  expect(disk.paths('/user').filter((path) => /stage|tmp-|journal/.test(path))).toEqual([])
  if (after === 'again') expect((await keeper().apply()).changed).toEqual([])
  await machine.close()
  await checkSecrecy(disk)
}

/** Codex would run our hooks, and the one that its user approved, wherever they stand now; and no other. */
async function checkTrust(disk: SimDisk): Promise<void> {
  const read = readToml(textOf(disk, 'config.toml') ?? '')
  assert(!isRefusal(read), 'config.toml is TOML')
  const file = await hooksFileOf(disk, codexHome)
  const { hooks, fault } = readHooksFile(textOf(disk, 'hooks.json') ?? '', platformOf(disk))
  expect(fault).toBe(null)
  const running = hooks.filter((hook) => trustStatus(file, hook, approvalsOf(read.table)) === 'trusted')
  const commands = running.map(({ command }) => command).sort()
  expect(commands, 'what Codex would run').toEqual([mine, own.SessionEnd, own.SessionStart].sort())
}

const textOf = (disk: SimDisk, path: string): string | null => disk.peek(at(path))?.toString() ?? null

/** The same files on another disk. */
async function copyInto(disk: SimDisk, from: SimDisk): Promise<void> {
  for (const path of from.paths('/user')) {
    const folder = path.endsWith('/')
    const mode = (await from.stat(folder ? path.slice(0, -1) : path))?.mode ?? 0o700
    if (folder) disk.plantFolder(path.slice(0, -1), from.windows ? 0o700 : mode)
    else disk.plantFile(path, from.peek(path) ?? '', from.windows ? 0o600 : mode)
  }
}
