/** S9: plain text is in memory and in the home's own files, for its owner alone from the first byte; Q5. */
import { expect, test } from 'vitest'
import { describePlan } from '../../../engine/apply/plan.ts'
import { loadTrail } from '../../../engine/compose/records.ts'
import { sha256Hex } from '../../../engine/crypto/hash.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { SimDisk } from '../../sim/disk.ts'
import { at, codexHome, type Home, keeperOf, type Machine, stemmaHome, World } from '../machines.ts'

const canary = 'sk-canary-4f9a'
const home = (n: number): Home => ({
  'config.toml': `model = "m${n}"\n\n[mcp_servers.docs]\ncommand = "docs"\n\n[mcp_servers.docs.env]\nKEY = "${canary} ${n}"\n`,
  'work.config.toml': `model = "${canary} ${n}"\n`,
  'auth.json': JSON.stringify({ OPENAI_API_KEY: `${canary} ${n}` }),
  '.env*': `KEY=${canary} ${n}`,
  'skills/a/.env': `KEY=${canary} ${n}`,
  'hooks.json': JSON.stringify({
    hooks: { Stop: [{ hooks: [{ type: 'command', command: `run ${canary} ${n}` }] }] },
  }),
  'mise.toml': n === 1 ? `a = "${canary}"\n` : null,
})

/** Where a secret is readable to others, or out of the home, at this moment. */
async function exposed(disk: SimDisk, seen: SimDisk): Promise<string[]> {
  const out: string[] = []
  for (const path of seen.paths('/user')) {
    if (!seen.peek(path)?.includes(canary)) continue
    const mode = ((await disk.clone().stat(path))?.mode ?? 0) & 0o777
    if ((mode & 0o077) !== 0) out.push(`${path} ${mode.toString(8)}`)
    else if (!path.startsWith(`${codexHome}/`) && !/\/backups\/[^/]+$/.test(path)) out.push(path)
  }
  return out
}

/** Looks at the whole disk before every call of an apply. */
async function watched(machine: Machine): Promise<{ readonly calls: number; readonly found: string[] }> {
  const { disk } = machine
  const call = disk.call.bind(disk)
  const found: string[] = []
  let calls = 0
  disk.call = async (kind, path, act, luck) => {
    const [first] = await exposed(disk, disk)
    if (first !== undefined) found.push(`before ${kind} ${path}: ${first}`)
    calls++
    return call(kind, path, act, luck)
  }
  const { faults } = await machine.keeper.apply('canonical')
  expect(faults).toEqual([])
  disk.call = call
  found.push(...(await exposed(disk, disk)))
  return { calls, found }
}

test('S9: a first join, an update and a removal: no file is open to others at any call', async () => {
  const world = await World.make(home(1))
  const machine = await world.join(2)
  // As somebody's editor made them, for everybody to read.
  for (const path of ['config.toml', 'auth.json', '.env'])
    machine.disk.plantFile(at(path), path.endsWith('.json') ? '{}' : '', 0o644)
  for (const n of [1, 2]) {
    if (n > 1) await world.publish(home(n))
    await world.sync(machine)
    const { calls, found } = await watched(machine)
    expect(found).toEqual([])
    expect(calls).toBeGreaterThan(100)
    for (const path of ['config.toml', 'work.config.toml', 'auth.json', 'skills/a/.env', 'hooks.json'])
      expect([path, ((await machine.mode(path)) ?? 0) & 0o777]).toEqual([path, 0o600])
    expect(((await machine.mode('.env')) ?? 0) & 0o777).toBe(0o700)
  }
  // What was replaced and removed is kept, for its owner alone.
  const backups = machine.disk.paths(`${stemmaHome}/backups`)
  expect(backups.some((path) => machine.disk.peek(path)?.includes(canary))).toBe(true)
  expect(((await machine.disk.stat(`${stemmaHome}/backups`))?.mode ?? 0) & 0o077).toBe(0)
  // Neither the log nor the records, nor the master's own folder, say anything.
  for (const disk of [world.disk, machine.disk])
    for (const path of disk.paths(stemmaHome))
      if (!path.includes('/backups/'))
        expect([path, disk.peek(path)?.includes(canary) ?? false]).toEqual([path, false])
}, 300_000)

test('Q5: what is told of an apply and of a plan has no secret in it', async () => {
  const world = await World.make(home(1))
  const machine = await world.join(2)
  machine.disk.plantFile(
    at('config.toml'),
    `model = "mine"\n\n[mcp_servers.docs]\ncommand = "${canary} mine"\n`,
  )
  machine.disk.plantFile(at('hooks.json'), `{"hooks":{"Stop":"${canary}"}}`)
  machine.disk.plantFile(at('work.config.toml'), `model = "${canary}" # "\n oops`)
  const tell = (told: unknown) =>
    JSON.stringify(told, (key, value: unknown) =>
      // Not told: the contents that are about to be put.
      key === 'composed' || key === 'contents' ? null : value,
    )
  const told = [await machine.keeper.plan(), await machine.keeper.apply(), await machine.keeper.plan('local')]
  expect(told.map(({ inner }) => inner.length)).toEqual([2, 2, 0])
  for (const one of told) expect(tell(one)).not.toContain(canary)
  await machine.disk.unlink(at('.env'))
  machine.disk.plantFolder(at('.env'))
  expect(tell(await machine.keeper.apply())).not.toContain(canary)
})

test('Q5: no hash of a secret is told either: a short one could be guessed by it', async () => {
  const pin = '1234'
  const world = await World.make({ '.env': pin, 'mise.toml': pin, 'AGENTS.md': 'a' })
  const machine = await world.join(2)
  machine.disk.plantFile(at('.env'), '9999', 0o600)
  const tell = async () => {
    const { plan } = await machine.keeper.plan()
    return JSON.stringify([describePlan(plan), plan.conflicts])
  }
  const hashes = [pin, '9999'].map((text) => sha256Hex(Buffer.from(text)))
  const told = [await tell()]
  await machine.keeper.apply()
  machine.disk.plantFile(at('mise.toml'), '9999', 0o600)
  await world.publish({ 'mise.toml': null })
  await world.sync(machine)
  told.push(await tell())
  for (const one of told) for (const hash of hashes) expect(one).not.toContain(hash)
  expect(told[0]).toContain(sha256Hex(Buffer.from('a')))
  expect(told[1]).toContain('orphaned')
})

test('S9: records open with this machine’s seal key, whole, and not otherwise', async () => {
  const world = await World.make(home(1))
  const [one, two] = [await world.join(2), await world.join(3)]
  await one.keeper.apply()
  const path = `${stemmaHome}/apply/composed`
  const whole = one.disk.peek(path) ?? Buffer.alloc(0)
  expect(((await one.disk.stat(path))?.mode ?? 0) & 0o777).toBe(0o600)
  expect(whole.includes(canary)).toBe(false)
  const load = (machine: Machine) => loadTrail(one.disk, stemmaHome, machine.follower.keys.seal)
  expect((await load(one)).configs.size).toBe(2)
  await expect(load(two)).rejects.toThrow('damaged')
  for (const length of [0, 5, 12, 20, whole.length - 1]) {
    one.disk.plantFile(path, whole.subarray(0, length), 0o600)
    const failed = await load(one).catch((error: unknown) => error)
    expect(failed instanceof Fault && failed.code).toBe('ledger-damaged')
  }
  for (let at = 0; at < whole.length; at += 97) {
    const wrong = Buffer.from(whole)
    wrong[at] = (wrong[at] ?? 0) ^ 1
    one.disk.plantFile(path, wrong, 0o600)
    await expect(load(one)).rejects.toThrow('damaged')
  }
})

test('S42: an apply with nothing but what is stored, on a machine started anew', async () => {
  const world = await World.make(home(1))
  const machine = await world.join(2)
  const disk = machine.disk.settled()
  await keeperOf(disk, machine.ports, machine.follower).apply()
  expect(disk.peek(at('auth.json'))?.toString()).toContain(canary)
})
