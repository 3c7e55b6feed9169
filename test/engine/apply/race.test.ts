/**
 * A user, or another program, who changes the home right before any one disk call of an apply.
 * Portable file calls leave two windows of one system call each, named here and in the README: a file renamed
 * over the old one, and a folder turned into a link, between our last look and the rename that follows it.
 */
import { describe, expect, test } from 'vitest'
import { diskFault } from '../../../engine/disk/errno.ts'
import { assert } from '../../../schemas/fault.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'
import { kindOf, sweepsAll } from '../../sim/slice.ts'
import { applySecond, at, codexHome, edits, optionsOf, prepare, second } from './home.ts'
import { type Call, meddled } from './meddle.ts'
import { canon, pathOf, rigOn, type Tree } from './rig.ts'

type World = { readonly disk: SimDisk; readonly ports: { ids: SimIds; clock: SimClock } }
async function prepared(windows: boolean): Promise<World> {
  const ports = { ids: new SimIds(3), clock: new SimClock() }
  const disk = new SimDisk({ seed: 3, windows })
  await prepare(disk, ports)
  return { disk: disk.settled(), ports }
}

type Struck = {
  readonly disk: SimDisk
  /** What apply did from the moment on, the call before which it happened first. */
  readonly since: readonly Call[]
}
/** Runs an apply once for each of its calls, with `happen` right before that call; false: it could not happen. */
async function atEveryCall(
  windows: boolean,
  happen: (disk: SimDisk) => Promise<boolean>,
  check: (struck: Struck) => Promise<void>,
): Promise<number> {
  const { disk: start } = await prepared(windows)
  const quiet = start.clone()
  const plain: Call[] = []
  const recording = meddled(quiet, async (call) => {
    plain.push(call)
    return false
  })
  await applySecond(recording, { ids: new SimIds(4), clock: new SimClock() })
  const strikes = sweepsAll ? plain.map((_, index) => index + 1) : oneOfEach(plain)
  for (const strike of strikes) {
    const disk = start.clone()
    const since: Call[] = []
    let calls = 0
    let happened: Promise<boolean> | null = null
    const wrapped = meddled(disk, async (call) => {
      if (++calls === strike) happened = happen(disk)
      // What happens is one moment: nothing of ours runs beside it.
      await happened
      if (calls >= strike) since.push(call)
      return false
    })
    await applySecond(wrapped, { ids: new SimIds(4), clock: new SimClock() })
    assert(happened !== null, 'until then every apply makes the same calls')
    if (!(await happened)) continue
    try {
      await check({ disk, since })
    } catch (cause) {
      throw new Error(`before call ${strike}, ${JSON.stringify(since[0])}: ${String(cause)}`, { cause })
    }
  }
  return plain.length
}
/** Of calls of the same kind the last: each has what it looks at before it, and what it does behind it. */
function oneOfEach(calls: readonly Call[]): readonly number[] {
  const lasts = new Map(
    calls.map(({ call, path, to }, index) => [kindOf({ call, path: `${path} ${to}` }), index + 1]),
  )
  return [...lasts.values()].sort((a, b) => a - b)
}
/** The first thing that apply did to a path since then. */
const nextAt = (since: readonly Call[], path: string) =>
  since.find((call) => call.path === at(path) || call.to === at(path))

const ours = [
  'AGENTS.md',
  'hooks/run.sh',
  'rules/dropped.md',
  'skills/a/SKILL.md',
  'skills/b',
  'skills/new/deep/SKILL.md',
]
const text = (disk: SimDisk, path: string) => disk.peek(at(path))?.toString()

describe.each([false, true])('S39: an edit at any moment is never lost, Windows: %s', (windows) => {
  test.each(ours)('written into %s', async (path) => {
    const edit = async (disk: SimDisk) => {
      // A folder that is a file by now is nothing to write into.
      if ((await disk.stat(at(path)))?.kind === 'folder') return false
      disk.plantFile(at(path), 'EDIT')
      return true
    }
    const calls = await atEveryCall(windows, edit, async ({ disk }) => {
      expect(text(disk, path)).toBe('EDIT')
      for (const [own, content] of Object.entries(edits)) expect(text(disk, own)).toBe(content)
      // And it stays in every later apply, which tells of it while it is in the way of something canonical.
      const again = await applySecond(disk, { ids: new SimIds(5), clock: new SimClock() })
      expect(text(disk, path)).toBe('EDIT')
      const told = again.conflicts.some((conflict) => conflict.path.startsWith(path))
      if (path !== 'rules/dropped.md') expect(told).toBe(true)
    })
    expect(calls).toBeGreaterThan(100)
  })

  test.each(ours)('renamed over %s, but for one system call', async (path) => {
    const save = async (disk: SimDisk) => {
      if ((await disk.stat(at(path)))?.kind === 'folder') return false
      disk.plantFile('/user/editor-temp', 'EDIT')
      if (path.includes('/')) disk.plantFolder(at(path.slice(0, path.lastIndexOf('/'))))
      return disk.rename('/user/editor-temp', at(path)).then(
        () => true,
        // Windows: while we read the file nobody can replace it.
        () => false,
      )
    }
    await atEveryCall(windows, save, async ({ disk, since }) => {
      if (text(disk, path) === 'EDIT') return
      expect(nextAt(since, path)).toMatchObject({ call: 'rename', to: at(path) })
    })
  })

  test('deleted: gone or written anew, and then told', async () => {
    const remove = (disk: SimDisk) => disk.unlink(at('AGENTS.md')).catch(() => false)
    await atEveryCall(windows, remove, async ({ disk }) => {
      expect([undefined, second['AGENTS.md']]).toContain(text(disk, 'AGENTS.md'))
      const again = await applySecond(disk, { ids: new SimIds(5), clock: new SimClock() })
      expect(again.faults).toEqual([])
      expect(text(disk, 'AGENTS.md') === undefined).toBe(
        again.conflicts.some(({ path, kind }) => path === 'AGENTS.md' && kind === 'deleted'),
      )
    })
  })
})

describe('T15: a folder that becomes a link at any moment', () => {
  test.each(['skills', 'skills/a', 'rules', 'skills/new'])('%s', async (folder) => {
    const outside: Record<string, string> = {
      'SKILL.md': 'OUT',
      'gone.md': 'OUT',
      'dropped.md': 'OUT',
      'a/SKILL.md': 'OUT',
      'deep/x': 'OUT',
    }
    const swap = async (disk: SimDisk) => {
      for (const [path, content] of Object.entries(outside)) disk.plantFile(`/outside/${path}`, content)
      if ((await disk.stat(at(folder))) !== null) await disk.rename(at(folder), '/user/moved-away')
      disk.plantFolder(at('skills'))
      if ((await disk.stat(at(folder))) !== null) return false
      disk.plantLink(at(folder), '/outside')
      return true
    }
    await atEveryCall(false, swap, async ({ disk, since }) => {
      const found = disk.paths('/outside').filter((path) => !path.endsWith('/'))
      const names = new Set([...found.map((path) => path.slice('/outside/'.length)), ...Object.keys(outside)])
      const changed = [...names].filter((name) => disk.peek(`/outside/${name}`)?.toString() !== outside[name])
      // Only where the folder moved after our last look at it, right before the call that changes a name.
      for (const name of changed) expect(nextAt(since, `${folder}/${name}`)?.call).toMatch(/^(rename|link)$/)
    })
  })
})

test('S37: without hard links on the volume everything still arrives', async () => {
  const { disk, ports } = await prepared(false)
  const linkless = meddled(disk, async ({ call, path }) => {
    if (call === 'link') throw diskFault('EPERM', 'link', path)
    return false
  })
  const result = await applySecond(linkless, ports)
  expect(result.faults).toEqual([])
  expect(text(disk, 'AGENTS.md')).toBe(second['AGENTS.md'])
  expect(text(disk, 'skills/b/SKILL.md')).toBe('now a folder')
})

test('S39: a file that changes at every look is left alone and told', async () => {
  const { disk, ports } = await prepared(false)
  let edit = 0
  const restless = meddled(disk, async ({ path, to }) => {
    if (path.endsWith('AGENTS.md') || to?.endsWith('AGENTS.md'))
      disk.plantFile(at('rules/dropped.md'), `EDIT ${edit++}`)
    return false
  })
  await applySecond(restless, ports)
  expect(text(disk, 'rules/dropped.md')).toMatch(/^EDIT/)
})

test('one file held open or without permission does not hold up the others', async () => {
  for (const errno of ['EBUSY', 'EACCES']) {
    const { disk, ports } = await prepared(true)
    const held = meddled(disk, async ({ call, to, path }) => {
      if (call === 'rename' && to === at('AGENTS.md')) throw diskFault(errno, 'rename', path)
      return false
    })
    const result = await applySecond(held, ports)
    expect(result.faults.map(({ path, fault }) => [path, fault.code])).toEqual([
      ['AGENTS.md', errno === 'EBUSY' ? 'disk-busy' : 'disk-denied'],
    ])
    expect(text(disk, 'AGENTS.md')).toBe('agents 1')
    expect(text(disk, 'skills/a/SKILL.md')).toBe('a 2')
    expect((await rigOn(disk, optionsOf(ports)).applier.apply(canon(second))).changed).toMatchObject([
      { path: 'AGENTS.md' },
    ])
  }
})

test('S37: a disk that is too full is told before anything is written', async () => {
  const { disk, ports } = await prepared(false)
  const before = disk.paths()
  const full = meddled(disk, async () => false)
  full.freeBytes = async () => 1000
  await expect(applySecond(full, ports)).rejects.toMatchObject({ code: 'disk-full' })
  expect(disk.paths()).toEqual(before)
})

test('T16: on a disk that folds case, a twin is a conflict and a change of case is not', async () => {
  const { disk, ports } = await prepared(true)
  disk.plantFile(at('Notes.md'), 'mine')
  const { applier } = rigOn(disk, optionsOf(ports))
  const { blobs } = rigOn(disk, optionsOf(ports))
  await blobs.put([Buffer.from('n')])
  const { 'AGENTS.md': agents = '', ...rest } = second
  const tree: Tree = { ...rest, 'NOTES.md': 'n', 'agents.md': agents }
  const result = await applier.apply(canon(tree))
  expect(result.conflicts.map(({ path, kind, at: by }) => [path, kind, by])).toEqual([
    ['NOTES.md', 'twin', 'notes.md'],
    ['prompts/edited.md', 'edited', 'prompts/edited.md'],
  ])
  expect(disk.paths(codexHome)).toContain(at('agents.md'))
  expect(text(disk, 'agents.md')).toBe(second['AGENTS.md'])
})

test('S39: when its place is taken again, what was displaced by a race goes into a backup', async () => {
  const { disk, ports } = await prepared(false)
  const twice = meddled(disk, async ({ call, path, to }) => {
    // Written into the old file right before it is replaced, and then once more, into the new one.
    if (call === 'rename' && to === at('AGENTS.md')) disk.plantFile(at('AGENTS.md'), 'FIRST')
    const judged = call === 'open' && path.endsWith('.old') && text(disk, 'AGENTS.md') === second['AGENTS.md']
    if (judged) disk.plantFile(at('AGENTS.md'), 'AGAIN')
    return false
  })
  await applySecond(twice, ports)
  expect(text(disk, 'AGENTS.md')).toBe('AGAIN')
  const backups = disk.paths('/user/stemma/backups').map((path) => disk.peek(path)?.toString() ?? '')
  expect(backups.some((tar) => tar.includes('FIRST'))).toBe(true)
})

test('S33: sockets and the like are never replaced, and a link in the place of the staging folder is not followed', async () => {
  const { disk, ports } = await prepared(false)
  await disk.unlink(at('AGENTS.md'))
  disk.plantOther(at('AGENTS.md'))
  disk.plantFile('/outside/file', 'OUT')
  disk.plantLink(at('.stemma-stage'), '/outside')
  const result = await applySecond(disk, ports)
  expect(result.conflicts.map(({ path, kind }) => [path, kind])).toEqual([
    ['AGENTS.md', 'blocked'],
    ['prompts/edited.md', 'edited'],
  ])
  expect(disk.paths('/outside')).toEqual(['/outside/file'])
  expect(text(disk, 'skills/a/SKILL.md')).toBe('a 2')
})

test('a missing or damaged blob stops the sync with the home untouched', async () => {
  const { disk, ports } = await prepared(false)
  const { blobs } = rigOn(disk, optionsOf(ports))
  const blob = canon(second).get(pathOf('skills/a/SKILL.md'))?.blob
  disk.plantFile(blobs.pathOf(blob ?? expect.unreachable()), 'damaged')
  const before = disk.paths(codexHome)
  await expect(applySecond(disk, ports)).rejects.toMatchObject({ code: 'blob-damaged' })
  expect(disk.paths(codexHome)).toEqual(before)
  expect(text(disk, 'AGENTS.md')).toBe('agents 1')
})
