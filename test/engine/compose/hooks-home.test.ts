/** hooks.json in a home: approvals follow their hooks, ours come and go (S50). */
import { describe, expect, test } from 'vitest'
import { readHooksFile } from '../../../engine/codex/hook.ts'
import { trustStatus } from '../../../engine/codex/trust.ts'
import { approvalsOf, hooksFileOf } from '../../../engine/compose/approvals.ts'
import { isOwnCommand } from '../../../engine/compose/hooks.ts'
import { readToml } from '../../../engine/toml/toml.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { strikesOf } from '../../sim/slice.ts'
import { at, codexHome, keeperOf, type Machine, openFollower, sync, World } from '../machines.ts'
import { commandsIn, json, own } from './hooked.ts'

/** How Codex would take each hook of the home, by command. */
async function statusOf({ disk, text }: Pick<Machine, 'disk'> & { text: (path: string) => string | null }) {
  const read = readToml(text('config.toml') ?? '')
  assert(!isRefusal(read), 'it is TOML')
  const file = await hooksFileOf(disk, codexHome)
  return Object.fromEntries(
    readHooksFile(text('hooks.json') ?? '{}', 'linux').hooks.map((hook) => [
      hook.command,
      trustStatus(file, hook, approvalsOf(read.table)),
    ]),
  )
}
const shown = (machine: Machine) => ({ disk: machine.disk, text: (path: string) => machine.text(path) })
/** As the user does in Codex: approves every hook that is there. */
async function approveAll(machine: Machine, disabled: readonly string[] = []): Promise<void> {
  const file = await hooksFileOf(machine.disk, codexHome)
  const rest = (machine.text('config.toml') ?? '').replace(/\n*\[hooks\.state[\s\S]*$/, '')
  const { hooks } = readHooksFile(machine.text('hooks.json') ?? '{}', 'linux')
  const snake = { SessionStart: 'session_start', Stop: 'stop', SessionEnd: 'session_end' } as Record<
    string,
    string
  >
  const lines = hooks.map(
    ({ event, group, handler, hash, command }) =>
      `\n[hooks.state."${file}:${snake[event]}:${group}:${handler}"]\ntrusted_hash = "${hash}"\n${
        disabled.includes(command ?? '') ? 'enabled = false\n' : ''
      }`,
  )
  machine.disk.plantFile(at('config.toml'), `${rest}\n${lines.join('')}`, 0o600)
}

describe('S50: on a machine', () => {
  const canonical = (...commands: string[]) => ({ 'hooks.json': json({ SessionStart: commands }) })

  test('approvals follow canonical hooks that are added, moved and removed; ours is approved all the time', async () => {
    const world = await World.make({ ...canonical('a', 'b'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    machine.own = own
    await machine.keeper.apply()
    expect(await statusOf(shown(machine))).toEqual({
      a: 'untrusted',
      b: 'untrusted',
      [own.SessionStart]: 'trusted',
      [own.SessionEnd]: 'trusted',
    })
    await approveAll(machine, ['b'])
    for (const commands of [
      ['new', 'a', 'b'],
      ['b', 'a'],
      ['a', 'x', 'y', 'b'],
      ['b', 'a', 'new'],
    ]) {
      await world.publish(canonical(...commands))
      const result = await world.update(machine)
      expect([result.inner, result.left, result.faults]).toEqual([[], [], []])
      const status = await statusOf(shown(machine))
      expect(commandsIn(machine.text('hooks.json'))).toEqual([...commands, own.SessionStart])
      for (const [command, is] of Object.entries(status)) {
        const was =
          isOwnCommand(command) || command === 'a' ? 'trusted' : command === 'b' ? 'disabled' : 'untrusted'
        expect([command, is]).toEqual([command, was])
      }
    }
  })

  test('fifty syncs that add, move and remove canonical hooks, with one of the machine between', async () => {
    const world = await World.make({ ...canonical('a'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    machine.own = own
    await machine.keeper.apply()
    const text = JSON.parse(machine.text('hooks.json') ?? '')
    text.hooks.SessionStart.unshift({ hooks: [{ type: 'command', command: 'mine' }] })
    machine.disk.plantFile(at('hooks.json'), JSON.stringify(text))
    await approveAll(machine)
    const rotate = ['a', 'b', 'c', 'd', 'e']
    for (let n = 0; n < 50; n++) {
      await world.publish(
        canonical('a', ...rotate.slice(n % 5).filter((_, i) => (n >> i) % 2 === 0 && i > 0)),
      )
      await world.update(machine)
      const status = await statusOf(shown(machine))
      expect([status['a'], status['mine'], status[own.SessionStart], status[own.SessionEnd]]).toEqual(
        Array(4).fill('trusted'),
      )
      expect(commandsIn(machine.text('hooks.json')).at(-1)).toBe(own.SessionStart)
    }
  })

  test('an apply that is cut off at any call, then another: approvals are where their hooks are', async () => {
    const world = await World.make({ ...canonical('a', 'b'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    machine.own = own
    await machine.keeper.apply()
    await approveAll(machine, ['b'])
    await machine.keeper.apply()
    await world.publish(canonical('new', 'a', 'b'))
    await world.sync(machine)
    const prepared = machine.disk.settled()
    const probe = prepared.clone()
    await keeperOf(probe, machine.ports, machine.follower, own).apply()
    const trace = [...probe.trace]
    expect(trace.length).toBeGreaterThan(50)
    for (const call of strikesOf(trace, 'EACCES')) {
      const disk = prepared.clone()
      disk.failAt(call, 'EACCES')
      await keeperOf(disk, machine.ports, machine.follower, own)
        .apply()
        .catch(() => null)
      expect(disk.calls >= call).toBe(call <= trace.length)
      const next = disk.restart()
      await keeperOf(next, machine.ports, machine.follower, own).apply()
      const text = (path: string) => next.peek(at(path))?.toString() ?? null
      expect(await statusOf({ disk: next, text }), `call ${call}`).toEqual({
        new: 'untrusted',
        a: 'trusted',
        b: 'disabled',
        [own.SessionStart]: 'trusted',
        [own.SessionEnd]: 'trusted',
      })
    }
  })

  test('a fault of one of the two files, then another state: what the user added stays approved', async () => {
    const world = await World.make({ ...canonical('a'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    machine.own = own
    await machine.keeper.apply()
    const file = JSON.parse(machine.text('hooks.json') ?? '')
    file.hooks.SessionStart.push({ hooks: [{ type: 'command', command: 'mine' }] })
    machine.disk.plantFile(at('hooks.json'), JSON.stringify(file), 0o600)
    await approveAll(machine)
    await world.publish(canonical('new', 'a'))
    await world.sync(machine)
    const prepared = machine.disk.settled()
    // Another machine has what comes next, so that this one can be cut off again and again.
    await world.publish(canonical('newer', 'new', 'a'))
    const faults = ['EACCES', 'EIO', 'EBUSY'] as const
    const probe = prepared.clone()
    const probing = await openFollower(probe, machine.ports)
    const before = probe.calls
    await keeperOf(probe, machine.ports, probing, own).apply()
    const trace = [...probe.trace]
    expect(trace.length - before).toBeGreaterThan(50)
    for (const call of strikesOf(trace, 'EIO', before)) {
      const disk = prepared.clone()
      const fault = faults[call % faults.length] ?? 'EIO'
      const follower = await openFollower(disk, machine.ports)
      disk.failAt(call, fault)
      await keeperOf(disk, machine.ports, follower, own)
        .apply()
        .catch(() => null)
      expect(disk.calls >= call).toBe(call <= trace.length)
      await follower.close().catch(() => null)
      const next = disk.restart()
      const again = await openFollower(next, machine.ports)
      expect(await sync(world.master, again)).toBe(null)
      await keeperOf(next, machine.ports, again, own).apply()
      const text = (path: string) => next.peek(at(path))?.toString() ?? null
      expect(await statusOf({ disk: next, text }), `${fault} at call ${call}`).toEqual({
        newer: 'untrusted',
        new: 'untrusted',
        a: 'trusted',
        mine: 'trusted',
        [own.SessionStart]: 'trusted',
        [own.SessionEnd]: 'trusted',
      })
    }
  })

  test('a hook that was disabled does not disable the one that takes its place', async () => {
    const world = await World.make({ ...canonical('a', 'b'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    await machine.keeper.apply()
    await approveAll(machine, ['a'])
    await world.publish(canonical('b', 'a'))
    await world.update(machine)
    expect(await statusOf(shown(machine))).toEqual({ a: 'disabled', b: 'trusted' })
  })

  test('whatever a later Codex notes of a hook moves with it', async () => {
    const world = await World.make({ ...canonical('a', 'b'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    await machine.keeper.apply()
    await approveAll(machine)
    const noted = (machine.text('config.toml') ?? '').replace(
      /(trusted_hash = .*)/,
      '$1\nruns = 7\nsince = 2026-01-02',
    )
    machine.disk.plantFile(at('config.toml'), noted)
    await world.publish(canonical('new', 'a', 'b'))
    await world.update(machine)
    const text = machine.text('config.toml') ?? ''
    expect(text).toMatch(/session_start:1:0"\]\s*trusted_hash = "[^"]+"\s*runs = 7\s*since = 2026-01-02/)
    expect(text.match(/runs/g)).toHaveLength(1)
  })

  test('ours in, ours out: files that were never canonical are as they were, and stay', async () => {
    const world = await World.make({ 'AGENTS.md': 'a' })
    const machine = await world.join(2)
    const config = '# Mine\nmodel = "mine"   # so\n'
    const hooks = json({ Stop: ['mine'] })
    machine.disk.plantFile(at('config.toml'), config)
    machine.disk.plantFile(at('hooks.json'), hooks)
    machine.own = own
    await machine.keeper.apply()
    expect((await statusOf(shown(machine)))[own.SessionStart]).toBe('trusted')
    expect(machine.text('config.toml')).toContain(config)
    machine.own = null
    for (let n = 0; n < 3; n++) {
      await machine.keeper.apply()
      expect((machine.text('config.toml') ?? '').trimEnd()).toBe(config.trimEnd())
      expect(JSON.parse(machine.text('hooks.json') ?? 'null')).toEqual(JSON.parse(hooks))
      await world.publish({ 'AGENTS.md': `${n}` })
      await world.sync(machine)
    }
  })

  test('ours in, ours out, where there was nothing: nothing is left', async () => {
    const world = await World.make({ 'AGENTS.md': 'a' })
    const machine = await world.join(2)
    machine.own = own
    await machine.keeper.apply()
    expect(machine.text('hooks.json')).toContain('stemma-hook')
    machine.own = null
    await machine.keeper.apply()
    expect([machine.text('hooks.json'), machine.text('config.toml')]).toEqual([null, null])
  })

  test('canonical hooks leave, the machine’s own stay', async () => {
    const world = await World.make({ ...canonical('a'), 'AGENTS.md': 'a' })
    const [one, two] = [await world.join(2), await world.join(3)]
    two.disk.plantFile(at('hooks.json'), json({ Stop: ['mine'] }))
    await one.keeper.apply()
    await two.keeper.apply()
    await world.publish({ 'hooks.json': null })
    for (let n = 0; n < 3; n++) {
      await world.publish({ 'AGENTS.md': `${n}` })
      await world.update(one)
      await world.update(two)
      expect(one.text('hooks.json')).toBe(null)
      expect(commandsIn(two.text('hooks.json'), 'Stop')).toEqual(['mine'])
      expect(commandsIn(two.text('hooks.json'))).toEqual([])
    }
  })

  test('a linked hooks.json is told and left alone, and so are the approvals of what is in it', async () => {
    const world = await World.make({ ...canonical('a'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    machine.own = own
    const file = `${codexHome}/hooks.json`
    const approval = `[hooks.state."${file}:session_start:0:0"]\ntrusted_hash = "sha256:1"\n`
    machine.disk.plantFile('/dotfiles/hooks.json', json({ SessionStart: ['mine'] }))
    machine.disk.plantLink(at('hooks.json'), '/dotfiles/hooks.json')
    machine.disk.plantFile(at('config.toml'), approval)
    const { conflicts } = await machine.keeper.apply()
    expect(conflicts.map(({ path, kind }) => `${kind} ${path}`)).toEqual(['linked hooks.json'])
    expect(machine.text('config.toml')).toContain(approval.trim())
    expect(machine.text('config.toml')?.match(/trusted_hash/g)).toHaveLength(1)
    expect(machine.disk.peek('/dotfiles/hooks.json')?.toString()).toBe(json({ SessionStart: ['mine'] }))
  })

  test('S41: a hooks.json of which Codex would drop all is not installed', async () => {
    const world = await World.make({ ...canonical('a'), 'config.toml': 'model = "m"\n' })
    const machine = await world.join(2)
    machine.own = own
    await machine.keeper.apply()
    const before = machine.text('hooks.json')
    await world.publish({ 'hooks.json': '{"hooks":{"Stop":[{"hooks":[{"type":"command"}]}]}}' })
    const { left } = await world.update(machine)
    expect(left.map(({ path }) => path)).toEqual(['hooks.json'])
    expect(machine.text('hooks.json')).toBe(before)
    expect((await statusOf(shown(machine)))[own.SessionStart]).toBe('trusted')
  })
})
