/** The scan on the simulated disk: what is found, what stays, what is warned about. */
import { describe, expect, test } from 'vitest'
import { fileBytesMax, warningsMax } from '../../../schemas/limits.ts'
import { SimDisk, type SimDiskOptions } from '../../sim/disk.ts'
import { hashOf, home, kinds, SimHome, shown } from './home.ts'

test('S28, S29, S31: a whole home: what travels, what is sealed, what is listed', async () => {
  const at = new SimHome()
  at.put('AGENTS.md', 'be brief')
  at.put('config.toml', 'model = "x"')
  at.put('work.config.toml', '')
  at.put('auth.json', '{}')
  at.put('.credentials.json', '{}')
  at.put('hooks/sync.sh', '#!/bin/sh', 0o755)
  at.put('skills/cache/SKILL.md', 'cache')
  at.put('skills/.system/imagegen/SKILL.md', 'x')
  at.put('sessions/2026/01/02/rollout.jsonl', 'x')
  at.put('notes/a.md', 'x')
  at.put('todo.txt', 'x')
  at.put('state_5.sqlite', 'x')
  const found = await at.look()
  expect(await at.contents()).toEqual({
    'AGENTS.md': 'be brief',
    'hooks/sync.sh': '#!/bin/sh',
    'skills/cache/SKILL.md': 'cache',
  })
  expect([...found.files.values()].map(({ exec }) => exec)).toEqual([false, true, false])
  expect(found.secrets.map(({ path }) => path)).toEqual(['auth.json', 'config.toml', 'work.config.toml'])
  expect(found.unlisted).toEqual(['.credentials.json', 'notes/', 'todo.txt'])
  expect(found.warnings).toEqual([])
  expect(found.again).toBe(false)
  // 404 MB of packages and years of sessions are never even listed.
  expect(at.disk.trace.some(({ path }) => path.includes('/sessions/') || path.includes('/notes/'))).toBe(
    false,
  )
  // A secret is read, and never written anywhere.
  expect(
    at.disk.trace.filter(
      ({ call, path }) =>
        path.endsWith('auth.json') &&
        call !== 'stat' &&
        call !== 'open' &&
        call !== 'read' &&
        call !== 'close',
    ),
  ).toEqual([])
})

test('S25: a second scan reads nothing, an edit reads that one file', async () => {
  const at = new SimHome()
  at.put('AGENTS.md', 'one')
  at.put('skills/a/SKILL.md', 'a')
  await at.clock.advance(10_000)
  expect((await at.look()).read.files).toBe(2)
  const calm = await at.look()
  expect(calm.read.files).toBe(0)
  expect(calm.events).toEqual([])
  at.put('AGENTS.md', 'two')
  await at.clock.advance(10_000)
  const edited = await at.look()
  expect(edited.read.files).toBe(1)
  expect(edited.events).toMatchObject([{ type: 'file.put', body: { path: 'AGENTS.md', size: 3 } }])
  expect(await at.contents()).toMatchObject({ 'AGENTS.md': 'two' })
})

test('S25: a file as young as the scan is read again: another change may bear the same time', async () => {
  const at = new SimHome({ now: () => 1_700_000_000_000 })
  at.put('AGENTS.md', 'one')
  await at.look()
  at.put('AGENTS.md', 'two')
  const again = await at.look()
  expect(shown(again.events)).toEqual(['file.put AGENTS.md'])
})

test('S34: the executable bit is a change; on Windows the log has it', async () => {
  const at = new SimHome()
  at.put('hooks/a.sh', 'x')
  await at.clock.advance(10_000)
  await at.look()
  await at.disk.chmod(`${home}/hooks/a.sh`, 0o700)
  expect((await at.look()).events).toMatchObject([{ type: 'file.put', body: { exec: true } }])
  const windows = new SimHome({ windows: true })
  windows.put('hooks/a.sh', 'x', 0o755)
  windows.put('hooks/b.sh', 'y', 0o755)
  for (const [path, file] of at.canon) windows.canon.set(path, file)
  await windows.look()
  expect([...windows.canon].map(([path, { exec }]) => `${path} ${exec}`)).toEqual([
    'hooks/a.sh true',
    'hooks/b.sh false',
  ])
})

test('a restart writes nothing that the store has', async () => {
  const at = new SimHome()
  at.put('AGENTS.md', 'one')
  await at.look()
  const { canon } = at
  const from = at.disk.calls
  at.index = { rows: new Map() }
  expect((await at.look()).events).toEqual([])
  expect(at.canon).toEqual(canon)
  expect(at.disk.trace.slice(from).filter(({ call }) => call === 'write')).toEqual([])
})

describe('what cannot be looked at stays as it was', () => {
  test('S25: unreadable file and folder', async () => {
    const at = new SimHome()
    at.put('AGENTS.md', 'a')
    at.put('skills/a/SKILL.md', 'a')
    at.put('skills/b/SKILL.md', 'b')
    await at.clock.advance(10_000)
    await at.look()
    at.put('AGENTS.md', 'changed')
    await at.disk.chmod(`${home}/AGENTS.md`, 0)
    await at.disk.chmod(`${home}/skills/a`, 0)
    const found = await at.look()
    expect(found.events).toEqual([])
    expect([...found.kept].sort()).toEqual(['AGENTS.md', 'skills/a/SKILL.md'])
    expect(kinds(found)).toEqual(['unreadable skills/a', 'unreadable AGENTS.md'])
    expect(found.warnings[0]?.why).toContain('EACCES')
  })

  test('S25: too large, a FIFO, a file that became a link to nothing', async () => {
    const at = new SimHome()
    for (const name of ['a', 'b', 'c']) at.put(`prompts/${name}`, name)
    at.put('AGENTS.md', 'a')
    await at.look()
    const big = await at.disk.open(`${home}/prompts/a`, 'edit')
    await big.truncate(fileBytesMax + 1)
    await big.close()
    for (const name of ['b', 'c']) await at.disk.unlink(`${home}/prompts/${name}`)
    at.disk.plantOther(`${home}/prompts/b`)
    at.disk.plantLink(`${home}/prompts/c`, 'nowhere')
    const found = await at.look()
    expect(found.events).toEqual([])
    expect(kinds(found)).toEqual(['too-large prompts/a', 'not-a-file prompts/b', 'link-broken prompts/c'])
    expect(found.kept.size).toBe(3)
  })

  test('Q1: any fault at any call: nothing is taken for removed, and the next scan is whole', async () => {
    const prepare = async () => {
      const at = new SimHome()
      at.put('AGENTS.md', 'a')
      at.put('skills/a/SKILL.md', 'a')
      at.put('skills/b/x/y', 'b')
      at.disk.plantLink(`${home}/skills/c`, '../skills/b')
      await at.clock.advance(10_000)
      await at.look()
      at.put('AGENTS.md', 'b')
      at.put('skills/a/new', 'new')
      return at
    }
    const whole = await prepare()
    const before = whole.disk.calls
    await whole.look()
    const calls = whole.disk.calls - before
    const wanted = await whole.contents()
    for (let call = 1; call <= calls; call++) {
      for (const fault of ['EIO', 'EACCES', 'EBUSY', 'ENOSPC'] as const) {
        const at = await prepare()
        at.disk.failAt(at.disk.calls + call, fault)
        const struck = at.disk.trace.length + call - 1
        try {
          expect(shown((await at.look()).events).filter((line) => line.startsWith('file.removed'))).toEqual(
            [],
          )
        } catch (error) {
          expect(error, `${fault} at call ${call}`).toMatchObject({ name: 'Fault' })
          const { call: name, path } = at.disk.trace[struck] ?? { call: '', path: '' }
          expect(path === home || path.includes('/.stemma/'), `${name} ${path} ended the scan`).toBe(true)
        }
        await at.look()
        expect(await at.contents(), `${fault} at call ${call}`).toEqual(wanted)
      }
    }
  })

  test('S25: a home that is gone or unreadable is a fault', async () => {
    const at = new SimHome()
    at.put('AGENTS.md', 'a')
    await at.look()
    await at.disk.rename(home, '/home/u/away')
    await expect(at.look()).rejects.toMatchObject({ code: 'home-missing' })
    await at.disk.rename('/home/u/away', home)
    expect((await at.look()).events).toEqual([])
    await at.disk.chmod(home, 0)
    await expect(at.look()).rejects.toMatchObject({ code: 'disk-denied' })
    await at.disk.chmod(home, 0o755)
    await at.disk.unlink(`${home}/AGENTS.md`)
    expect(shown((await at.look()).events)).toEqual(['file.removed AGENTS.md'])
  })
})

describe('T16: names', () => {
  test('twins by case and Unicode form, for folders too; the canonical one stays', async () => {
    const at = new SimHome()
    at.put('skills/Foo/a', '1')
    at.put('skills/foo/b', '2')
    at.put('prompts/Straße', '3')
    at.put('prompts/strasse', '4')
    const found = await at.look()
    expect(Object.keys(await at.contents())).toEqual(['prompts/Straße', 'skills/Foo/a'])
    expect(kinds(found)).toEqual(['collision prompts/strasse', 'collision skills/foo/b'])
    at.put('skills/Foo/A', '5')
    at.put('prompts/STRASSE', '6')
    const later = await at.look()
    expect(later.events).toEqual([])
    expect(later.warnings.length).toBe(4)
  })

  test('names that another system could not hold; control characters are not printed', async () => {
    const at = new SimHome()
    at.put('AGENTS.md', 'a')
    for (const name of [
      'con',
      'a:b',
      'e\u0301',
      'end.',
      'x\u202ey',
      'esc\u001b[2J',
      'tab\tx',
      'a'.repeat(200),
    ])
      at.put(`prompts/${name}`, 'x')
    at.put('skills/nul/SKILL.md', 'x')
    const found = await at.look()
    expect(Object.keys(await at.contents())).toEqual(['AGENTS.md'])
    expect(found.warnings.length).toBe(9)
    expect(new Set(found.warnings.map(({ kind }) => kind))).toEqual(new Set(['bad-name']))
    const text = found.warnings.map(({ why, path }) => why + path).join('')
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(text).toContain('esc\\u{1b}[2J')
  })

  test('warnings are bounded', async () => {
    const at = new SimHome()
    for (let i = 0; i < warningsMax + 5; i++) at.disk.plantOther(`${home}/prompts/${i}`)
    const found = await at.look()
    expect(found.warnings.length).toBe(warningsMax)
    expect(found.warningsMore).toBe(5)
  })

  test('a renamed case is a removal and a put', async () => {
    const at = new SimHome()
    at.put('skills/Foo/a', '1')
    await at.look()
    await at.disk.rename(`${home}/skills/Foo`, `${home}/skills/foo`)
    expect(shown((await at.look()).events)).toEqual(['file.removed skills/Foo/a', 'file.put skills/foo/a'])
  })

  test('a renamed case with an unreadable part stays under its old name until it can be read', async () => {
    const at = new SimHome()
    at.put('skills/Foo/a', '1')
    at.put('skills/Foo/b', '2')
    await at.look()
    await at.disk.rename(`${home}/skills/Foo`, `${home}/skills/foo`)
    await at.disk.chmod(`${home}/skills/foo/b`, 0)
    expect((await at.look()).events).toEqual([])
    await at.disk.chmod(`${home}/skills/foo/b`, 0o644)
    expect((await at.look()).events.length).toBe(4)
  })
})

test('Q3: more files than a home may have: the walk stops, nothing canonical is lost', async () => {
  const at = new SimHome()
  at.put('skills/z/SKILL.md', 'z')
  await at.clock.advance(10_000)
  await at.look()
  for (let i = 10; i <= 99; i++) at.put(`skills/a/${i}`, 'same')
  const found = await at.look({ filesLimit: 20 })
  expect([...found.kept]).toEqual(['skills/z/SKILL.md'])
  expect([...found.files.keys()]).toEqual(Array.from({ length: 19 }, (_, i) => `skills/a/${i + 10}`))
  expect(kinds(found)).toEqual(['too-many skills/a/29'])
  expect((await at.look({ filesLimit: 20 })).events).toEqual([])
})

test('S25: a file that changes while it is read is read again, at last taken as read', async () => {
  class Restless extends SimDisk {
    changes = 0
    override async call<T>(...args: Parameters<SimDisk['call']>): Promise<T> {
      const [call, path] = args
      const result = (await super.call(...args)) as T
      if (call === 'read' && path === `${home}/AGENTS.md` && this.changes > 0) {
        this.changes--
        this.plantFile(path, `version ${this.changes}`)
      }
      return result
    }
  }
  for (const [changes, again] of [
    [1, false],
    [100, true],
  ] as const) {
    let restless: Restless | null = null
    const make = ({ now: _, ...rest }: SimDiskOptions) => (restless = new Restless(rest))
    const at = new SimHome({}, make)
    at.put('AGENTS.md', 'first version')
    const disk: Restless = restless ?? expect.fail()
    disk.changes = changes
    const found = await at.look()
    expect(found.again).toBe(again)
    await at.contents()
    disk.changes = 0
    await at.look()
    const last = at.disk.peek(`${home}/AGENTS.md`)?.toString() ?? ''
    expect(at.canon.values().next().value?.blob).toBe(hashOf(last))
  }
})

test.each([
  ['stat', 'AGENTS.md'],
  ['open', 'AGENTS.md'],
  ['list', 'skills/a'],
] as const)(
  'S25: what goes away just before its %s is no removal yet, and asks for another look',
  async (before, path) => {
    class Fleeting extends SimDisk {
      armed = false
      override async call<T>(...args: Parameters<SimDisk['call']>): Promise<T> {
        if (this.armed && args[0] === before && args[1] === `${home}/${path}`) {
          this.armed = false
          await this.rename(args[1], '/home/u/away')
        }
        return (await super.call(...args)) as T
      }
    }
    let fleeting: Fleeting | null = null
    const at = new SimHome({}, (all) => (fleeting = new Fleeting(all)))
    const disk: Fleeting = fleeting ?? expect.fail()
    at.put('AGENTS.md', 'a')
    at.put('skills/a/SKILL.md', 'b')
    await at.look()
    disk.armed = true
    const found = await at.look()
    expect(disk.armed).toBe(false)
    expect(found.events).toEqual([])
    expect(found.again).toBe(true)
    expect(found.warnings).toEqual([])
    const later = await at.look()
    expect(later.events).toMatchObject([{ type: 'file.removed' }])
    expect(later.again).toBe(false)
  },
)
