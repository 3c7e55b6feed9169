/** Approvals of canonical hooks, from the master to a follower that asked for them (S50). */
import { describe, expect, test } from 'vitest'
import { type Hook, readHooksFile } from '../../../engine/codex/hook.ts'
import { approve, type TrustStatus, trustStatus } from '../../../engine/codex/trust.ts'
import { approvalsOf } from '../../../engine/compose/approvals.ts'
import { approvedHooks, splitApproved, withApproved } from '../../../engine/compose/approved.ts'
import { printToml, readToml } from '../../../engine/toml/toml.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { at, codexHome, keeperOf, type Machine, World } from '../machines.ts'

const handler = (command: string, more: object = {}) => ({ hooks: [{ type: 'command', command, ...more }] })
const file = (...commands: string[]) =>
  JSON.stringify({ hooks: { SessionStart: commands.map((command) => handler(command)) } })
const hooksOf = (text: string): readonly Hook[] => readHooksFile(text, 'linux').hooks
/** config.toml of a master, with these approved. */
const config = (hooks: readonly Hook[], home = codexHome) =>
  `model = "gpt-5"\n${printToml({ hooks: { state: approve(`${home}/hooks.json`, hooks, {}) } })}`

describe('the list', () => {
  test('has what is approved at its place, and nothing that was changed, disabled or is elsewhere', () => {
    const text = file('a', 'b', 'c')
    const [a, b, c] = hooksOf(text)
    if (!a || !b || !c) throw new Error('three hooks were written')
    expect(approvedHooks(at('hooks.json'), text, config([a, c]), 'linux')).toEqual([a.hash, c.hash].sort())
    // An approval for the file of a repository is none for the home's, nor is one that the home's own overrules.
    expect(approvedHooks(at('hooks.json'), text, config([a], '/srv/repo/.codex'), 'linux')).toEqual([])
    expect(approvedHooks(at('hooks.json'), text, config([a], `/x${codexHome}`), 'linux')).toEqual([])
    expect(approvedHooks(at('hooks.json'), text, config([{ ...a, group: 1 }]), 'linux')).toEqual([])
    expect(approvedHooks(at('hooks.json'), text, config([{ ...a, hash: b.hash }]), 'linux')).toEqual([])
    expect(approvedHooks(at('hooks.json'), text, `${config([a])}enabled = false\n`, 'linux')).toEqual([])
    expect(
      approvedHooks(at('hooks.json'), text, config([a]).replace('hooks.json', 'config.toml'), 'linux'),
    ).toEqual([])
    expect(
      approvedHooks(at('hooks.json'), text, config([a]).replace('hooks.json', 'xhooks.json'), 'linux'),
    ).toEqual([])
    for (const nonsense of ['', 'hooks = 1', 'x = [', '[hooks]\nstate = 3\n'])
      expect(approvedHooks(at('hooks.json'), text, nonsense, 'linux')).toEqual([])
    expect(approvedHooks(at('hooks.json'), '{', config([a]), 'linux')).toEqual([])
  })

  test('travels behind the file and comes off again, byte for byte', () => {
    const text = `${file('a')}\n`
    expect(withApproved(text, [])).toBe(text)
    const sent = withApproved(text, ['sha256:x', 'sha256:y'])
    expect(splitApproved(sent)).toEqual({ hooks: text, approved: new Set(['sha256:x', 'sha256:y']) })
    expect(splitApproved(text)).toEqual({ hooks: text, approved: new Set() })
    for (const tail of ['', '{', '3', 'null', '[1, null]'])
      expect(splitApproved(`${text}\0${tail}`)).toEqual({ hooks: text, approved: new Set() })
  })
})

describe('a follower', () => {
  async function pair(text: string, approved: readonly Hook[]) {
    const world = await World.make({ 'hooks.json': text, 'config.toml': config(approved) })
    return { world, machine: await world.join(2) }
  }
  const keeper = ({ disk, ports, follower }: Machine, trustHooks: boolean) =>
    keeperOf(disk, ports, follower, null, 'nothing', trustHooks)
  const tableOf = (machine: Machine) => {
    const read = readToml(machine.text('config.toml') ?? '')
    return isRefusal(read) ? {} : approvalsOf(read.table)
  }
  const statuses = (machine: Machine): readonly TrustStatus[] => {
    const table = tableOf(machine)
    return hooksOf(machine.text('hooks.json') ?? '{}').map((hook) =>
      trustStatus(at('hooks.json'), hook, table),
    )
  }

  test('that asked for it approves what the master has approved, at its own places; any other nothing', async () => {
    const text = file('a', 'b')
    const { machine } = await pair(text, hooksOf(text).slice(1))
    await keeper(machine, false).apply()
    expect(machine.text('hooks.json')).toBe(text)
    expect(statuses(machine)).toEqual(['untrusted', 'untrusted'])
    await keeper(machine, true).apply()
    expect(machine.text('hooks.json')).toBe(text)
    expect(statuses(machine)).toEqual(['untrusted', 'trusted'])
    expect((await keeper(machine, true).apply()).changed).toEqual([])
  })

  test('follows what the master approves later, keeps what its user disabled, and never trusts a changed one', async () => {
    const text = file('a', 'b')
    const { world, machine } = await pair(text, [])
    await keeper(machine, true).apply()
    expect(statuses(machine)).toEqual(['untrusted', 'untrusted'])
    await world.publish({ 'config.toml': config(hooksOf(text)) })
    await world.sync(machine)
    await keeper(machine, true).apply()
    expect(statuses(machine)).toEqual(['trusted', 'trusted'])
    const own = (machine.text('config.toml') ?? '').replace(/(trusted_hash = .*\n)/, '$1enabled = false\n')
    machine.disk.plantFile(at('config.toml'), own, 0o600)
    const changed = file('a', 'changed')
    await world.publish({ 'hooks.json': changed, 'config.toml': config(hooksOf(text)) })
    await world.sync(machine)
    await keeper(machine, true).apply()
    expect(statuses(machine)).toEqual(['disabled', 'untrusted'])
  })

  test('S50: what the master takes back is taken back; what was approved here, or asked for no more, is not mixed up', async () => {
    const text = file('a', 'b', 'c')
    const hooks = hooksOf(text)
    const { world, machine } = await pair(text, hooks)
    // The first one by its own user, before the master had a say here.
    await keeper(machine, false).apply()
    const mine = approve(at('hooks.json'), hooks.slice(0, 1), {})
    const [[key = '', entry] = []] = Object.entries(mine)
    const table = `[hooks.state.${JSON.stringify(key)}]\ntrusted_hash = ${JSON.stringify(entry?.['trusted_hash'])}\n`
    machine.disk.plantFile(at('config.toml'), `${machine.text('config.toml') ?? ''}\n${table}`, 0o600)
    await keeper(machine, true).apply()
    expect(statuses(machine)).toEqual(['trusted', 'trusted', 'trusted'])
    await world.publish({ 'config.toml': config(hooks.slice(2)) })
    await world.sync(machine)
    await keeper(machine, true).apply()
    expect(statuses(machine)).toEqual(['trusted', 'untrusted', 'trusted'])
    // Nothing is done twice: an approval that the user gives afterwards is the user's.
    expect((await keeper(machine, true).apply()).changed).toEqual([])
    // Whoever no longer asks for the master's word has none of it left.
    await keeper(machine, false).apply()
    expect(statuses(machine)).toEqual(['trusted', 'untrusted', 'untrusted'])
  })

  test('of another platform does not approve what it would run instead', async () => {
    const text = JSON.stringify({
      hooks: { Stop: [handler('a', { commandWindows: 'b.exe' }), handler('c')] },
    })
    const { machine } = await pair(text, hooksOf(text))
    const { disk, ports, follower } = machine
    Object.defineProperty(disk, 'windows', { value: true })
    await keeperOf(disk, ports, follower, null, 'nothing', true).apply()
    const table = tableOf(machine)
    const found = readHooksFile(machine.text('hooks.json') ?? '{}', 'win32').hooks
    const path = at('hooks.json').replaceAll('/', '\\')
    expect(found.map((hook) => trustStatus(path, hook, table))).toEqual(['untrusted', 'trusted'])
  })
})
