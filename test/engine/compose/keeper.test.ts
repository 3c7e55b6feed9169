/** config.toml and profiles on a follower: canonical, with what Codex and its user wrote there (S43, S45). */
import { describe, expect, test } from 'vitest'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { at, type Home, keeperOf, type Machine, World } from '../machines.ts'

const canonical = '# Canonical\nmodel = "gpt-5"\n\n[mcp_servers.docs]\ncommand = "docs"\n'
const trust = '[projects."/srv/a"]\ntrust_level = "trusted"\n'

async function pair(home: Home, local: Readonly<Record<string, string | Buffer>> = {}) {
  const world = await World.make(home)
  const machine = await world.join(2)
  for (const [path, text] of Object.entries(local)) machine.disk.plantFile(at(path), text, 0o644)
  return { world, machine }
}
/** A second apply writes nothing, whatever the first one did. */
async function expectStill(machine: Machine): Promise<void> {
  const from = machine.disk.trace.length
  const again = await machine.keeper.apply()
  expect(again.changed).toEqual([])
  const changing = /write|sync|Sync|rename|link|chmod|makeDir|removeDir|truncate/
  expect(machine.disk.trace.slice(from).filter(({ call }) => changing.test(call))).toEqual([])
}
const inner = (told: { inner: readonly { path: string; key: string | null; kind: string }[] }) =>
  told.inner.map(({ path, key, kind }) => `${path} ${key} ${kind}`)
const left = (told: { left: readonly { path: string; why: string }[] }) => told.left.map(({ path }) => path)

describe('S40: the first join', () => {
  test('into an empty home: the canonical text, byte for byte, for its owner alone', async () => {
    const { machine } = await pair({ 'config.toml': canonical, 'work.config.toml': 'model = "o"\n' })
    const { changed } = await machine.keeper.apply()
    expect(changed.map(({ path, act }) => `${act} ${path}`)).toEqual([
      'create config.toml',
      'create work.config.toml',
    ])
    expect(machine.text('config.toml')).toBe(canonical)
    expect(await machine.mode('config.toml')).toBe(0o600)
    await expectStill(machine)
  })

  test('into a home with a config of its own: its own keys stay, the same key twice is a conflict', async () => {
    const own = `# Mine\nmodel = "mine"\nsandbox_mode = "read-only"\n\n${trust}\n[mcp_servers.own]\ncommand = "own"\n`
    const { machine } = await pair({ 'config.toml': canonical }, { 'config.toml': own })
    const result = await machine.keeper.apply()
    expect(inner(result)).toEqual(['config.toml model exists'])
    const text = machine.text('config.toml') ?? ''
    for (const line of [
      '# Canonical',
      '# Mine',
      'model = "mine"',
      'sandbox_mode = "read-only"',
      trust.trim(),
    ])
      expect(text).toContain(line)
    expect(text).toContain('[mcp_servers.docs]')
    expect(text).toContain('[mcp_servers.own]')
    // Secrets of the master are in it now.
    expect(await machine.mode('config.toml')).toBe(0o600)
    await expectStill(machine)
  })

  test.each(['canonical', 'local'] as const)('--take %s settles all of them', async (take) => {
    const own = 'model = "mine"\n\n[mcp_servers.docs]\ncommand = "mine"\n'
    const { machine } = await pair({ 'config.toml': canonical }, { 'config.toml': own })
    const result = await machine.keeper.apply(take)
    expect(inner(result)).toEqual([])
    const text = machine.text('config.toml') ?? ''
    expect(text.includes('mine')).toBe(take === 'local')
    expect(text.includes('gpt-5')).toBe(take === 'canonical')
    await expectStill(machine)
    expect(inner(await machine.keeper.apply())).toEqual([])
  })

  test('an identical file is adopted, nothing is written over it', async () => {
    const { machine } = await pair({ 'config.toml': canonical }, { 'config.toml': canonical })
    expect((await machine.keeper.apply()).changed).toEqual([])
    await expectStill(machine)
  })
})

describe('S43: later', () => {
  const joined = async (home: Home = { 'config.toml': canonical }) => {
    const { world, machine } = await pair(home)
    await machine.keeper.apply()
    const edit = (path: string, change: (text: string) => string) =>
      machine.disk.plantFile(at(path), change(machine.text(path) ?? ''), 0o600)
    return { world, machine, edit }
  }

  test('what Codex and the user wrote stays while canonical moves on', async () => {
    const { world, machine, edit } = await joined()
    edit('config.toml', (text) => `${text}\n${trust}\n[mcp_servers.own]\ncommand = "own"\n`)
    await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-6') })
    expect(inner(await world.update(machine))).toEqual([])
    const text = machine.text('config.toml') ?? ''
    expect(text).toContain('model = "gpt-6"')
    expect(text).toContain(trust.trim())
    expect(text).toContain('[mcp_servers.own]')
    await expectStill(machine)
  })

  test('S39: an edit of a canonical key is a conflict, until a word on it, and again when canonical changes', async () => {
    const { world, machine, edit } = await joined()
    edit('config.toml', (text) => text.replace('gpt-5', 'mine'))
    expect(inner(await world.update(machine))).toEqual(['config.toml model edited'])
    expect(machine.text('config.toml')).toContain('mine')
    const kept = await machine.keeper.resolve('model', 'local')
    assert(!isRefusal(kept), 'there is such a conflict')
    expect(inner(kept)).toEqual([])
    expect(inner(await world.update(machine))).toEqual([])
    await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-6') })
    expect(inner(await world.update(machine))).toEqual(['config.toml model edited'])
    const taken = await machine.keeper.resolve('config.toml#model', 'canonical')
    assert(!isRefusal(taken), 'there is such a conflict')
    expect(machine.text('config.toml')).toContain('gpt-6')
    expect(taken.backups).toHaveLength(1)
    await expectStill(machine)
  })

  test('resolve takes a whole file, and refuses what it does not know', async () => {
    const { world, machine, edit } = await joined()
    edit('config.toml', (text) => text.replace('gpt-5', 'mine').replace('"docs"', '"mine"'))
    expect(inner(await world.update(machine))).toHaveLength(2)
    const unknown = await machine.keeper.resolve('sandbox_mode', 'local')
    expect(isRefusal(unknown) && unknown.refused).toBe('usage')
    const whole = await machine.keeper.resolve('config.toml', 'canonical')
    assert(!isRefusal(whole), 'there is such a conflict')
    expect(machine.text('config.toml')).toBe(canonical)
  })

  test('S47: what canonical drops goes, also where Codex has written since', async () => {
    const { world, machine, edit } = await joined()
    edit('config.toml', (text) => `${text}\n${trust}`)
    await world.publish({ 'config.toml': 'model = "gpt-5"\n' })
    await world.update(machine)
    expect(machine.text('config.toml')).not.toContain('docs')
    expect(machine.text('config.toml')).toContain('/srv/a')
  })

  test('a config that is canonical no more leaves; what is not of it stays, and goes on staying', async () => {
    const { world, machine, edit } = await joined()
    const other = await world.join(3)
    await other.keeper.apply()
    edit('config.toml', (text) => `${text}\n# Mine\n${trust}`)
    await world.publish({ 'config.toml': null, 'AGENTS.md': 'a' })
    await world.update(machine)
    await world.update(other)
    expect(other.text('config.toml')).toBe(null)
    for (let n = 0; n < 3; n++) {
      await world.publish({ 'AGENTS.md': `${n}` })
      await world.update(machine)
      expect(machine.text('config.toml')).not.toContain('docs')
      expect(machine.text('config.toml')).toContain('/srv/a')
      expect(machine.text('config.toml')).toContain('# Mine')
    }
    await world.publish({ 'config.toml': canonical })
    await world.update(machine)
    await world.update(other)
    expect(machine.text('config.toml')).toContain('/srv/a')
    expect(machine.text('config.toml')).toContain('docs')
    expect(other.text('config.toml')).toBe(canonical)
    await expectStill(machine)
  })

  test('S39: a config that its user deleted is not made again behind their back', async () => {
    const { world, machine } = await joined()
    await machine.disk.unlink(at('config.toml'))
    await world.publish({ 'AGENTS.md': 'a' })
    const told = inner(await world.update(machine))
    expect(told).toEqual(['config.toml model deleted', 'config.toml mcp_servers.docs deleted'])
    expect(machine.text('config.toml')).toBe(null)
    await expectStill(machine)
    const back = await machine.keeper.resolve('config.toml', 'canonical')
    assert(!isRefusal(back), 'there is such a conflict')
    expect(machine.text('config.toml')).toBe(canonical)
  })

  test('profiles are merged like config.toml, each for itself', async () => {
    const { world, machine, edit } = await joined({
      'config.toml': canonical,
      'work.config.toml': 'model = "a"\n',
    })
    edit('work.config.toml', (text) => `${text}sandbox_mode = "read-only"\n`)
    await world.publish({ 'work.config.toml': 'model = "b"\n' })
    expect(inner(await world.update(machine))).toEqual([])
    expect(machine.text('work.config.toml')).toBe('model = "b"\nsandbox_mode = "read-only"\n')
    edit('work.config.toml', (text) => text.replace('"b"', '"mine"'))
    edit('config.toml', (text) => text.replace('gpt-5', 'mine'))
    expect(inner(await world.update(machine))).toEqual([
      'config.toml model edited',
      'work.config.toml model edited',
    ])
    const twice = await machine.keeper.resolve('model', 'local')
    expect(isRefusal(twice) && twice.why).toContain('several files')
    await machine.keeper.resolve('work.config.toml#model', 'local')
    expect(inner(await machine.keeper.plan())).toEqual(['config.toml model edited'])
  })

  test('a profile that stays in conflict does not make the memory of the others old', async () => {
    const { world, machine } = await pair({
      'config.toml': 'model = "1"\n',
      'work.config.toml': 'model = "a"\n',
    })
    machine.disk.plantFile('/elsewhere/work.toml', 'model = "mine"\n')
    machine.disk.plantLink(at('work.config.toml'), '/elsewhere/work.toml')
    for (let n = 1; n <= 3; n++) {
      await world.publish({ 'config.toml': `model = "${n}"\n` })
      const result = await world.update(machine)
      expect(result.conflicts.map(({ path, kind }) => `${kind} ${path}`)).toEqual(['linked work.config.toml'])
      expect(inner(result)).toEqual([])
      expect(machine.text('config.toml')).toBe(`model = "${n}"\n`)
    }
  })
})

describe('S33: what stands in the way', () => {
  test('of config.toml: a link or a folder is told, its target is not touched', async () => {
    const { world, machine } = await pair({ 'config.toml': canonical, 'AGENTS.md': 'a' })
    machine.disk.plantFile('/dotfiles/config.toml', 'model = "mine"\n')
    machine.disk.plantLink(at('config.toml'), '/dotfiles/config.toml')
    const result = await machine.keeper.apply('canonical')
    expect(result.conflicts.map(({ path, kind }) => `${kind} ${path}`)).toEqual(['linked config.toml'])
    expect(machine.disk.peek('/dotfiles/config.toml')?.toString()).toBe('model = "mine"\n')
    expect(machine.text('AGENTS.md')).toBe('a')
    await expectStill(machine)
    await machine.disk.unlink(at('config.toml'))
    machine.disk.plantFolder(at('config.toml'))
    expect((await world.update(machine)).conflicts.map(({ kind }) => kind)).toEqual(['blocked'])
  })

  test('a link put in place of the file later: the link stays', async () => {
    const { world, machine } = await pair({ 'config.toml': canonical })
    await machine.keeper.apply()
    await machine.disk.rename(at('config.toml'), '/user/config.toml')
    machine.disk.plantLink(at('config.toml'), '/user/config.toml')
    await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-6') })
    expect((await world.update(machine)).conflicts.map(({ kind }) => kind)).toEqual(['linked'])
    expect(machine.disk.peek('/user/config.toml')?.toString()).toBe(canonical)
    // And back again.
    await machine.disk.unlink(at('config.toml'))
    await machine.disk.rename('/user/config.toml', at('config.toml'))
    expect(inner(await world.update(machine))).toEqual([])
    expect(machine.text('config.toml')).toContain('gpt-6')
  })
})

describe('S41: left as it was', () => {
  const bad: readonly (readonly [string, string | Buffer])[] = [
    ['no TOML', 'model = \n'],
    ['no UTF-8', Buffer.from([0x61, 0x3d, 0xff])],
    ['a megabyte and more', `# ${'x'.repeat(2 ** 20)}\n`],
  ]
  test.each(bad)('a local file that is %s', async (_, content) => {
    const { world, machine } = await pair(
      { 'config.toml': canonical, 'AGENTS.md': 'a' },
      { 'config.toml': content },
    )
    // A megabyte is compared by the byte, and not by the element.
    const untouched = () => machine.disk.peek(at('config.toml'))?.equals(Buffer.from(content))
    const result = await machine.keeper.apply()
    expect(left(result)).toEqual(['config.toml'])
    expect(untouched()).toBe(true)
    expect(machine.text('AGENTS.md')).toBe('a')
    await expectStill(machine)
    // Never ours, whatever happens next.
    await world.publish({ 'config.toml': null })
    await world.update(machine)
    expect(untouched()).toBe(true)
    await world.publish({ 'config.toml': canonical })
    machine.disk.plantFile(at('config.toml'), 'sandbox_mode = "read-only"\n')
    expect(left(await world.update(machine))).toEqual([])
    expect(machine.text('config.toml')).toContain('docs')
  })

  test('a canonical text that Codex would refuse is not installed; what was there stays', async () => {
    const { world, machine } = await pair({ 'config.toml': canonical })
    await machine.keeper.apply()
    // Neither does the master let it out, nor is it put together with a file that has it here.
    const { refused } = await world.publish({ 'config.toml': 'model = 7\n' })
    expect(refused.map(({ refusal }) => refusal.why)).toEqual(['The key model must be a string.'])
    expect(left(await world.update(machine))).toEqual([])
    machine.disk.plantFile(at('config.toml'), canonical.replace('"gpt-5"', '7'), 0o600)
    const result = await machine.keeper.apply()
    expect(result.left).toEqual([
      { path: 'config.toml', why: 'The key model must be a string.', code: 'bad-config' },
    ])
    machine.disk.plantFile(at('config.toml'), canonical, 0o600)
    expect(machine.text('config.toml')).toBe(canonical)
    await expectStill(machine)
    await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-6') })
    expect(inner(await world.update(machine))).toEqual([])
    expect(machine.text('config.toml')).toContain('gpt-6')
  })

  test('two halves that Codex would refuse together', async () => {
    const server = '[mcp_servers.docs]\nurl = "http://localhost/"\n'
    const { machine } = await pair({ 'config.toml': 'model = "a"\n' }, { 'config.toml': 'model = 1\n' })
    expect(left(await machine.keeper.apply())).toEqual(['config.toml'])
    expect(machine.text('config.toml')).toBe('model = 1\n')
    const other = await pair({ 'config.toml': canonical }, { 'config.toml': server })
    const result = await other.machine.keeper.apply()
    expect(left(result)).toEqual([])
    expect(inner(result)).toEqual(['config.toml mcp_servers.docs exists'])
  })
})

describe('S37: Codex writes at the very moment of apply', () => {
  const codexAdds = `\n${trust}`
  const start = async (more: Home) => {
    const { world, machine } = await pair({ 'config.toml': canonical, '.env': 'A=1' })
    await machine.keeper.apply()
    machine.disk.plantFile(
      at('config.toml'),
      `${machine.text('config.toml')}\n[mcp_servers.own]\ncommand = "own"\n`,
      0o600,
    )
    await world.publish({ 'config.toml': canonical.replace('gpt-5', 'gpt-6'), ...more })
    await world.sync(machine)
    return { world, machine }
  }
  test('before every call: nothing of it is lost, and it ends merged', async () => {
    const { machine } = await start({ '.env': 'A=2' })
    const prepared = machine.disk.settled()
    let calls = 1
    for (let strike = 1; strike <= calls; strike++) {
      const disk = prepared.clone()
      const struck = disk.call.bind(disk)
      let before = 0
      // In place, as an editor does; the port's own calls go on as they were.
      disk.call = async (call, path, act, luck) => {
        if (++before === strike) {
          const now = disk.peek(at('config.toml'))?.toString() ?? ''
          disk.plantFile(at('config.toml'), `${now}${codexAdds}`, 0o600)
        }
        return struck(call, path, act, luck)
      }
      const keeper = keeperOf(disk, machine.ports, machine.follower)
      const result = await keeper.apply()
      calls = Math.max(calls, before)
      disk.call = struck
      if (before < strike) break
      const place = `call ${strike}: ${JSON.stringify(disk.trace[strike - 1])}`
      expect(result.faults, place).toEqual([])
      const again = await keeperOf(disk, machine.ports, machine.follower).apply()
      expect([...result.inner, ...again.inner], place).toEqual([])
      const text = disk.peek(at('config.toml'))?.toString() ?? ''
      expect(text, place).toContain('gpt-6')
      expect(text, place).toContain('[mcp_servers.own]')
      expect(text.includes('/srv/a'), place).toBe(true)
      expect(disk.peek(at('.env'))?.toString(), place).toBe('A=2')
      expect(((await disk.stat(at('config.toml')))?.mode ?? 0) & 0o777, place).toBe(0o600)
    }
    expect(calls).toBeGreaterThan(100)
  })

  test('as Codex itself does, by renaming: lost only in the moment between our last look and our rename', async () => {
    const { machine } = await start({})
    const prepared = machine.disk.settled()
    const probe = prepared.clone()
    await keeperOf(probe, machine.ports, machine.follower).apply()
    const total = probe.calls
    const lost: string[] = []
    for (let strike = 1; strike <= total; strike++) {
      const disk = prepared.clone()
      const port = disk.call.bind(disk)
      let calls = 0
      disk.call = async (call, path, act, luck) => {
        if (++calls !== strike) return port(call, path, act, luck)
        disk.call = port
        const now = disk.peek(at('config.toml'))?.toString() ?? ''
        disk.plantFile(at('codex-temp'), `${now}${codexAdds}`, 0o600)
        await disk.rename(at('codex-temp'), at('config.toml'))
        return port(call, path, act, luck).finally(() => {
          disk.call = port
        })
      }
      const { faults } = await keeperOf(disk, machine.ports, machine.follower).apply()
      expect(faults).toEqual([])
      await keeperOf(disk, machine.ports, machine.follower).apply()
      const text = disk.peek(at('config.toml'))?.toString() ?? ''
      expect(text, `call ${strike}`).toContain('gpt-6')
      expect(text, `call ${strike}`).toContain('[mcp_servers.own]')
      const { call, path } = probe.trace[strike - 1] ?? { call: '', path: '' }
      if (!text.includes('/srv/a')) lost.push(`${call} ${path}`)
    }
    expect(total).toBeGreaterThan(80)
    // One system call: Node cannot exchange two files (engine/apply/README.md, limits).
    expect(lost).toEqual([`rename ${at('config.toml')}`])
  })
})
