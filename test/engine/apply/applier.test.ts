/** Apply on the real disk, in a temporary folder. */
import { createReadStream } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { extract } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock, systemIds } from '../../../engine/env/system.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { backupsMax, racyWindowMs } from '../../../schemas/limits.ts'
import { canon, pathOf, type RigOptions, rigOn, storeBlobs, type Tree } from './rig.ts'

let root: string
let options: RigOptions
let ahead = 0
const clock = { ...systemClock, now: () => Date.now() + ahead }
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'apply-'))
  ahead = 0
  options = { ids: systemIds, clock, codexHome: join(root, 'codex'), stemmaHome: join(root, 'stemma') }
})
afterEach(() => rm(root, { recursive: true, force: true }))

const home = (path: string) => join(options.codexHome, path)
const read = (path: string) => readFile(home(path), 'utf8')
async function write(path: string, text: string) {
  await mkdir(dirname(home(path)), { recursive: true })
  await writeFile(home(path), text)
}
async function apply(tree: Tree, takes: 'canonical' | 'local' | null = null) {
  const disk = await openDisk()
  await storeBlobs(disk, options, tree)
  return rigOn(disk, options).applier.apply(canon(tree), takes)
}
const acts = (result: { changed: readonly { act: string; path: string }[] }) =>
  result.changed.map(({ act, path }) => `${act} ${path}`)
async function untar(file: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const entry of createReadStream(file).pipe(extract())) {
    let text = ''
    for await (const piece of entry) text += String(piece)
    found.set(entry.header.name, text)
  }
  return found
}

test('S37: a follower without a home gets one, for its owner alone, with folders and modes', async () => {
  const result = await apply({ 'AGENTS.md': 'a', 'skills/x/SKILL.md': 's', 'hooks/run.sh*': '#!' })
  expect(acts(result)).toEqual(['create AGENTS.md', 'create hooks/run.sh', 'create skills/x/SKILL.md'])
  expect(result).toMatchObject({ conflicts: [], faults: [], backups: [], replanned: 0 })
  expect((await stat(options.codexHome)).mode & 0o777).toBe(0o700)
  expect((await stat(home('hooks/run.sh'))).mode & 0o111).toBe(0o111)
  expect((await stat(home('AGENTS.md'))).mode & 0o777).toBe(0o644)
  expect((await stat(home('AGENTS.md'))).nlink).toBe(1)
  expect((await readdir(options.codexHome)).sort()).toEqual(['AGENTS.md', 'hooks', 'skills'])
})

test('S35: a plan says what would change and why, and touches nothing', async () => {
  await apply({ 'AGENTS.md': 'a', 'rules/r': 'r' })
  const disk = await openDisk()
  const plan = await rigOn(disk, options).applier.plan(canon({ 'AGENTS.md': 'b', 'prompts/p': 'p' }))
  expect(plan.steps.map(({ act, path, why }) => [act, path, why])).toEqual([
    ['replace', 'AGENTS.md', 'changed'],
    ['create', 'prompts/p', 'added'],
    ['remove', 'rules/r', 'dropped'],
  ])
  expect(await read('AGENTS.md')).toBe('a')
})

test('S36: what is replaced or removed lies in the backup, byte for byte', async () => {
  const long = `skills/${'long-'.repeat(18)}name/${'deep-'.repeat(20)}file.md`
  await apply({ 'AGENTS.md': 'old text', [long]: 'removed', 'skills/ü.md': 'x'.repeat(700_000), e: '' })
  const result = await apply({ 'AGENTS.md': 'new text' })
  expect(result.backups).toHaveLength(1)
  const backup = result.backups[0] ?? ''
  expect((await stat(backup)).mode & 0o777).toBe(0o600)
  expect(await untar(backup)).toEqual(
    new Map([
      ['AGENTS.md', 'old text'],
      ['e', ''],
      [long, 'removed'],
      ['skills/ü.md', 'x'.repeat(700_000)],
    ]),
  )
  // The folders that only we needed went with their files.
  expect(await readdir(options.codexHome)).toEqual(['AGENTS.md'])
})

test('S36: backups are bounded, and the newest stays', async () => {
  let last = ''
  for (let round = 0; round < backupsMax + 4; round++)
    last = (await apply({ a: `${round}` })).backups[0] ?? ''
  const kept = await readdir(join(options.stemmaHome, 'backups'))
  expect(kept).toHaveLength(backupsMax)
  expect(kept.map((name) => join(options.stemmaHome, 'backups', name))).toContain(last)
})

test('S34: replaced files keep their other mode bits; the executable bit travels', async () => {
  await apply({ a: '1', b: '1' })
  await chmod(home('a'), 0o600)
  const result = await apply({ 'a*': '2', 'b*': '1' })
  expect(acts(result)).toEqual(['replace a', 'chmod b'])
  expect((await stat(home('a'))).mode & 0o777).toBe(0o700)
  expect((await stat(home('b'))).mode & 0o777).toBe(0o755)
})

test('S3, S38: local files, and folders with local files in them, stay', async () => {
  await write('skills/mine/SKILL.md', 'mine')
  await apply({ 'skills/theirs/SKILL.md': 't', 'rules/r': 'r' })
  await write('skills/theirs/notes', 'mine as well')
  await mkdir(home('prompts'))
  const result = await apply({})
  expect(acts(result)).toEqual(['remove rules/r', 'remove skills/theirs/SKILL.md'])
  expect(await read('skills/mine/SKILL.md')).toBe('mine')
  expect(await readdir(home('skills/theirs'))).toEqual(['notes'])
  expect((await readdir(options.codexHome)).sort()).toEqual(['prompts', 'skills'])
})

test('S40: the first join adopts what is identical and lists what differs', async () => {
  await write('AGENTS.md', 'same')
  await write('rules/r', 'mine')
  const tree = { 'AGENTS.md': 'same', 'rules/r': 'theirs', 'prompts/p': 'p' }
  const result = await apply(tree)
  expect(acts(result)).toEqual(['create prompts/p'])
  expect(result.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['rules/r', 'exists']])
  expect(await read('rules/r')).toBe('mine')
  expect(acts(await apply({ ...tree, 'AGENTS.md': 'newer' }))).toEqual(['replace AGENTS.md'])
})

test('S39: an edit is kept and reported until resolved, and reported again when canonical changes', async () => {
  const disk = await openDisk()
  const tree = { 'AGENTS.md': 'a', 'rules/r': 'r' }
  await apply(tree)
  await write('AGENTS.md', 'mine')
  await rm(home('rules/r'))
  const kinds = async (of: Tree) => (await apply(of)).conflicts.map(({ path, kind }) => `${kind} ${path}`)
  expect(await kinds(tree)).toEqual(['edited AGENTS.md', 'deleted rules/r'])

  const applier = () => rigOn(disk, options).applier
  const local = await applier().resolve(pathOf('AGENTS.md'), 'local', canon(tree))
  expect(isRefusal(local)).toBe(false)
  expect(await kinds(tree)).toEqual(['deleted rules/r'])
  expect((await apply(tree)).settled.map(({ path }) => path)).toEqual(['AGENTS.md'])
  const canonical = await applier().resolve(pathOf('rules/r'), 'canonical', canon(tree))
  expect(isRefusal(canonical)).toBe(false)
  expect(await read('rules/r')).toBe('r')

  const newer = { ...tree, 'AGENTS.md': 'b' }
  expect(await kinds(newer)).toEqual(['edited AGENTS.md'])
  const taken = await applier().resolve(pathOf('AGENTS.md'), 'canonical', canon(newer))
  expect(await read('AGENTS.md')).toBe('b')
  expect(!isRefusal(taken) && (await untar(taken.backups[0] ?? ''))).toEqual(new Map([['AGENTS.md', 'mine']]))
  expect(await applier().resolve(pathOf('AGENTS.md'), 'local', canon(newer))).toMatchObject({
    refused: 'usage',
  })
})

test('S38: a file that is no longer canonical but was edited stays and is reported', async () => {
  await apply({ a: '1', b: '1' })
  await write('a', 'mine')
  const result = await apply({})
  expect(acts(result)).toEqual(['remove b'])
  expect(result.conflicts).toMatchObject([{ path: 'a', kind: 'orphaned', canonical: null }])
  expect((await apply({}, 'local')).conflicts).toEqual([])
  expect(await read('a')).toBe('mine')
})

test('S33, T15: nothing is written through a link, wherever on the way it stands', async () => {
  const outside = join(root, 'outside')
  await mkdir(join(outside, 'x'), { recursive: true })
  await writeFile(join(outside, 'SKILL.md'), 'outside')
  await mkdir(home('skills'), { recursive: true })
  await symlink(outside, home('skills/x'))
  await symlink(join(outside, 'new'), home('AGENTS.md'))
  await symlink(outside, home('rules'))
  const tree = { 'AGENTS.md': 'a', 'skills/x/SKILL.md': 's', 'rules/x/r': 'r', fine: 'f' }
  for (const takes of [null, 'canonical'] as const) {
    const result = await apply(tree, takes)
    expect(result.conflicts.map(({ path, kind, at }) => [path, kind, at])).toEqual([
      ['AGENTS.md', 'linked', 'AGENTS.md'],
      ['rules/x/r', 'linked', 'rules'],
      ['skills/x/SKILL.md', 'linked', 'skills/x'],
    ])
  }
  expect(await readdir(outside)).toEqual(['SKILL.md', 'x'])
  expect(await readFile(join(outside, 'SKILL.md'), 'utf8')).toBe('outside')
  expect((await lstat(home('AGENTS.md'))).isSymbolicLink()).toBe(true)
  expect(await read('fine')).toBe('f')
  const disk = await openDisk()
  const refused = await rigOn(disk, options).applier.resolve(pathOf('AGENTS.md'), 'canonical', canon(tree))
  expect(refused).toMatchObject({ refused: 'conflicts' })
})

test('a file becomes a folder and a folder a file, in one apply', async () => {
  await apply({ a: 'file', 'b/c/d': 'deep' })
  const result = await apply({ 'a/x': 'now deep', b: 'now a file' })
  expect(result).toMatchObject({ conflicts: [], faults: [] })
  expect(await read('a/x')).toBe('now deep')
  expect(await read('b')).toBe('now a file')
  expect(acts(await apply({ 'a/x': 'now deep', b: 'now a file' }))).toEqual([])
})

test('a folder where a file should be, or a file where a folder should, is a conflict', async () => {
  await mkdir(home('AGENTS.md'), { recursive: true })
  await write('rules', 'a file')
  const result = await apply({ 'AGENTS.md': 'a', 'rules/r': 'r' })
  expect(result.conflicts.map(({ path, kind, at }) => [path, kind, at])).toEqual([
    ['AGENTS.md', 'blocked', 'AGENTS.md'],
    ['rules/r', 'blocked', 'rules'],
  ])
})

test('S37: a second apply of 500 files writes nothing, and later looks need not read', async () => {
  const tree = Object.fromEntries(
    Array.from({ length: 500 }, (_, n) => [`skills/s${n % 60}/f${n}.md`, `text ${n}`]),
  )
  expect(acts(await apply(tree))).toHaveLength(500)
  const disk = await openDisk()
  const ledger = join(options.stemmaHome, 'apply/ledger.json')
  const before = await stat(ledger)
  expect(await rigOn(disk, options).applier.apply(canon(tree))).toMatchObject({ changed: [], conflicts: [] })
  expect((await stat(ledger)).mtimeMs).toBe(before.mtimeMs)
  // Once time stamps can be trusted they are remembered, once.
  ahead = racyWindowMs + 1000
  await rigOn(disk, options).applier.apply(canon(tree))
  const after = await stat(ledger)
  expect(after.mtimeMs).not.toBe(before.mtimeMs)
  await rigOn(disk, options).applier.apply(canon(tree))
  expect((await stat(ledger)).mtimeMs).toBe(after.mtimeMs)
  await write('skills/s0/f0.md', 'TEXT 0')
  expect((await apply(tree)).conflicts).toMatchObject([{ path: 'skills/s0/f0.md', kind: 'edited' }])
})

test('a damaged ledger is refused, never guessed', async () => {
  await apply({ a: '1' })
  const ledger = join(options.stemmaHome, 'apply/ledger.json')
  const content = await readFile(ledger)
  content[content.length - 5] = (content[content.length - 5] ?? 0) ^ 1
  await writeFile(ledger, content)
  await expect(apply({ a: '2' })).rejects.toMatchObject({ code: 'ledger-damaged' })
  expect(await read('a')).toBe('1')
})

test('S39: looked at where the master changed something: what a user changed elsewhere stays, and is told later', async () => {
  const disk = await openDisk()
  const [first, second, third] = [
    { a: '1', b: '1', 'skills/c': '1' },
    { a: '2', b: '1', 'skills/c': '1' },
    { a: '3', b: '2', d: '1' },
  ]
  await storeBlobs(disk, options, first, second, third)
  const { applier } = rigOn(disk, options)
  // Nothing is known before the first apply: all of it is looked at.
  await write('b', 'was here')
  const joined = await applier.apply(canon(first), null, 'changed')
  expect(joined.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['b', 'exists']])
  await write('skills/c', 'edited')
  const changed = await applier.apply(canon(second), null, 'changed')
  expect(acts(changed)).toEqual(['replace a'])
  expect(changed.conflicts.map(({ path }) => path)).toEqual(['b'])
  await write('b', '1')
  const settled = await applier.apply(canon(second), null, 'changed')
  expect(settled.conflicts).toEqual([])
  const whole = await applier.apply(canon(second))
  expect(whole.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['skills/c', 'edited']])
  const last = await applier.apply(canon(third), null, 'changed')
  expect(acts(last)).toEqual(['replace a', 'replace b', 'create d'])
  expect(last.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['skills/c', 'orphaned']])
  expect([await read('a'), await read('b'), await read('skills/c'), await read('d')]).toEqual([
    '3',
    '2',
    'edited',
    '1',
  ])
})

test('S39: a file that user and master change is a conflict however little is looked at', async () => {
  const disk = await openDisk()
  await storeBlobs(disk, options, { a: '1', b: '1' }, { a: '2', b: '1' })
  const { applier } = rigOn(disk, options)
  await applier.apply(canon({ a: '1', b: '1' }))
  await write('a', 'mine')
  const result = await applier.apply(canon({ a: '2', b: '1' }), null, 'changed')
  expect(result.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['a', 'edited']])
  expect(await read('a')).toBe('mine')
})

test('S37: a ledger that was replaced under an applier is read again', async () => {
  const disk = await openDisk()
  await storeBlobs(disk, options, { a: '1' }, { a: '2' }, { a: '3' })
  const [one, other] = [rigOn(disk, options).applier, rigOn(disk, options).applier]
  await one.apply(canon({ a: '1' }))
  await other.apply(canon({ a: '2' }))
  const result = await one.apply(canon({ a: '3' }))
  expect(acts(result)).toEqual(['replace a'])
  expect(result.conflicts).toEqual([])
})
