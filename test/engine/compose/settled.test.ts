/** What a user settled within composed files: told, remembered, and taken back (S39). */
import { expect, test } from 'vitest'
import { loadTrail, saveTrail, type Trail } from '../../../engine/compose/records.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { at, type Home, keeperOf, stemmaHome, World } from '../machines.ts'

const canonical = '# Canonical\nmodel = "gpt-5"\n\n[mcp_servers.docs]\ncommand = "docs"\n'

async function joined(home: Home = { 'config.toml': canonical }) {
  const world = await World.make(home)
  const machine = await world.join(2)
  await machine.keeper.apply()
  const edit = (path: string, change: (text: string) => string) =>
    machine.disk.plantFile(at(path), change(machine.text(path) ?? ''), 0o600)
  return { world, machine, edit }
}
type Listed = readonly { path: string; key: string | null; kind: string }[]
const list = (told: Listed) => told.map(({ path, key, kind }) => `${path} ${key} ${kind}`)
const inner = (told: { inner: Listed }) => list(told.inner)
const settled = (told: { innerSettled: Listed }) => list(told.innerSettled)

test('S39: what is settled with local is told, survives a restart, and can be taken back', async () => {
  const { world, machine, edit } = await joined({
    'config.toml': canonical,
    'work.config.toml': 'model = "a"\n',
  })
  edit('config.toml', (text) => text.replace('gpt-5', 'mine').replace('"docs"', '"mine"'))
  await machine.keeper.apply()
  const kept = await machine.keeper.resolve('model', 'local')
  assert(!isRefusal(kept), 'there is such a conflict')
  expect(settled(kept)).toEqual(['config.toml model edited'])
  expect((await machine.keeper.apply()).changed).toEqual([])
  const again = keeperOf(machine.disk, machine.ports, machine.follower)
  const planned = await again.plan()
  expect([inner(planned), settled(planned)]).toEqual([
    ['config.toml mcp_servers.docs.command edited'],
    ['config.toml model edited'],
  ])
  expect(planned.innerSettled[0]?.difference?.lines).toEqual(['-model = "mine"', '+model = "gpt-5"'])
  // One that waits is meant before one that is settled.
  edit('work.config.toml', (text) => text.replace('"a"', '"mine"'))
  const waits = await again.resolve('model', 'canonical')
  assert(!isRefusal(waits), 'there is such a conflict')
  expect(machine.text('work.config.toml')).toBe('model = "a"\n')
  expect(settled(await again.plan())).toEqual(['config.toml model edited'])
  const back = await again.resolve('model', 'canonical')
  assert(!isRefusal(back), 'it was settled')
  expect(back.backups).toHaveLength(1)
  expect(settled(back)).toEqual([])
  expect(machine.text('config.toml')).toBe(canonical.replace('"docs"', '"mine"'))
  // A word on the whole file is one on what is settled in it, too.
  await again.resolve('config.toml#mcp_servers.docs.command', 'local')
  expect(settled(await world.update(machine))).toEqual(['config.toml mcp_servers.docs.command edited'])
  await again.resolve('config.toml', 'canonical')
  expect(machine.text('config.toml')).toBe(canonical)
  expect((await machine.keeper.apply()).changed).toEqual([])
})

test('S39: what the master did to a value in dispute is told as long as it is one', async () => {
  const { world, machine, edit } = await joined()
  const moved = async () => (await machine.keeper.plan()).inner.map((one) => one.moved)
  edit('config.toml', (text) => text.replace('gpt-5', 'mine'))
  await world.update(machine)
  expect(await moved()).toEqual(['no'])
  await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-6') })
  await world.update(machine)
  expect(await moved()).toEqual(['too'])
  await machine.keeper.resolve('model', 'local')
  await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-7') })
  await world.update(machine)
  expect(await moved()).toEqual(['since-choice'])
})

test('S39: hooks.json as a whole is told and taken back likewise', async () => {
  const hooks = (command: string) =>
    JSON.stringify({ hooks: { Stop: [{ hooks: [{ type: 'command', command }] }] } })
  const { world, machine, edit } = await joined({ 'hooks.json': hooks('a') })
  edit('hooks.json', () => hooks('mine'))
  expect(inner(await world.update(machine))).toEqual(['hooks.json null edited'])
  await machine.keeper.resolve('hooks.json', 'local')
  const planned = await machine.keeper.plan()
  expect([planned.inner, settled(planned)]).toEqual([[], ['hooks.json null edited']])
  const back = await machine.keeper.resolve('hooks.json', 'canonical')
  assert(!isRefusal(back), 'it was settled')
  expect(back.innerSettled).toEqual([])
  expect(machine.text('hooks.json')).toContain('"a"')
})

test('what was remembered before it told kinds and comments is still believed', async () => {
  const { machine } = await joined()
  const { disk, follower, ports } = machine
  const [key, canonical] = ['model', '"a"']
  const last = {
    canonical: 'model = "a"',
    standing: [{ key, kind: 'exists' }],
    settled: [{ key, canonical }],
  }
  const configs: Trail['configs'] = new Map(JSON.parse(JSON.stringify([['config.toml', [[null, last]]]])))
  await saveTrail(disk, ports.ids, stemmaHome, follower.keys.seal, { configs, hooks: [], approved: [] })
  const trail = await loadTrail(disk, stemmaHome, follower.keys.seal)
  expect([...trail.configs.values()]).toEqual([
    [
      [
        null,
        {
          canonical: 'model = "a"',
          standing: [{ key, kind: 'exists', moved: 'no' }],
          settled: [{ key, canonical, kind: 'edited', moved: 'no' }],
          former: [],
        },
      ],
    ],
  ])
})
