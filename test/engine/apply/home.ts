/**
 * A home for the crash and race tests: applied once, then edited by its user; now a new canonical state
 * arrives that creates, replaces, sets a bit, removes, and turns a file into a folder.
 */
import { expect } from 'vitest'
import type { Disk } from '../../../engine/disk/disk.ts'
import type { SimDisk } from '../../sim/disk.ts'
import type { World } from '../../sim/sweep.ts'
import { canon, type RigOptions, rigOn, storeBlobs, type Tree } from './rig.ts'

export const codexHome = '/user/codex'
export const stemmaHome = '/user/stemma'
export const at = (path: string): string => `${codexHome}/${path}`

export const first: Tree = {
  'AGENTS.md': 'agents 1',
  'hooks/run.sh': 'run',
  'prompts/edited.md': 'prompt 1',
  'rules/dropped.md': 'dropped',
  'skills/a/SKILL.md': 'a 1',
  'skills/a/gone.md': 'gone',
  'skills/b': 'a file',
}
export const second: Tree = {
  'AGENTS.md': `agents 2 ${'long '.repeat(200)}`,
  'hooks/run.sh*': 'run',
  'prompts/edited.md': 'prompt 2',
  'skills/a/SKILL.md': 'a 2',
  'skills/b/SKILL.md': 'now a folder',
  'skills/new/deep/SKILL.md': 'new',
}
/** What the user wrote, and no sync may touch. */
export const edits: Tree = { 'prompts/edited.md': 'MINE', 'skills/a/local.md': 'LOCAL', 'notes.md': 'NOTES' }
/** What must be there in the end. */
const ended: Tree = { ...second, ...edits }
const plain = (path: string): string => path.replace('*', '')

type Ports = Pick<World<never>, 'ids' | 'clock'>
export const optionsOf = ({ ids, clock }: Ports): RigOptions => ({ ids, clock, codexHome, stemmaHome })

export async function prepare(disk: SimDisk, ports: Ports): Promise<void> {
  const options = optionsOf(ports)
  disk.plantFolder('/user')
  await storeBlobs(disk, options, first, second)
  await rigOn(disk, options).applier.apply(canon(first))
  for (const [path, text] of Object.entries(edits)) disk.plantFile(at(path), text)
}

export const applySecond = (disk: Disk, ports: Ports) =>
  rigOn(disk, optionsOf(ports)).applier.apply(canon(second))

/** Files of the home as its user sees them. */
const shown = (disk: SimDisk): string[] =>
  disk
    .paths(codexHome)
    .map((path) => path.slice(codexHome.length + 1))
    .filter((path) => !path.endsWith('/') && !path.startsWith('.stemma-stage'))

/** At any moment: each file is as before or as after, and what is no longer as before lies in a backup. */
export function checkMoment(disk: SimDisk): void {
  const before: Tree = { ...first, ...edits }
  for (const path of shown(disk)) {
    const text = disk.peek(at(path))?.toString()
    expect([before[path], second[path], second[`${path}*`]], path).toContain(text)
  }
  for (const [path, text] of Object.entries(edits)) expect(disk.peek(at(path))?.toString(), path).toBe(text)
  const backups = disk.paths(`${stemmaHome}/backups`).filter((path) => path.endsWith('.tar'))
  const kept = new Set(backups.flatMap((path) => entriesOf(disk.peek(path) ?? Buffer.alloc(0))))
  for (const [path, text] of Object.entries(before)) {
    const now = disk.peek(at(path))
    if (path in ended || `${path}*` in ended) expect(now, `${path} is missing`).not.toBeNull()
    if (now?.toString() !== text) expect(kept, 'backup').toContain(`${path}: ${text}`)
  }
}

/** All or nothing: once recovered, and before anything is planned anew, a sync has happened as a whole or not at all. */
export async function checkWhole(disk: SimDisk, ports: Ports): Promise<void> {
  const finished = await rigOn(disk, optionsOf(ports)).applier.recover()
  expect(finished?.moved ?? [], 'cut off and not finished').toEqual([])
  expect(finished?.faults ?? []).toEqual([])
  const signs = {
    created: disk.peek(at('skills/new/deep/SKILL.md')) !== null,
    replaced: disk.peek(at('AGENTS.md'))?.toString() === second['AGENTS.md'],
    replacedBelow: disk.peek(at('skills/a/SKILL.md'))?.toString() === second['skills/a/SKILL.md'],
    removed: disk.peek(at('rules/dropped.md')) === null,
    removedBelow: disk.peek(at('skills/a/gone.md')) === null,
  }
  expect(new Set(Object.values(signs)).size, JSON.stringify(signs)).toBe(1)
}

/** The next run ends new, whatever happened before; the one after it has nothing to do. */
export async function checkEnd(disk: SimDisk, ports: Ports): Promise<void> {
  const result = await applySecond(disk, ports)
  expect(result.faults).toEqual([])
  expect(result.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['prompts/edited.md', 'edited']])
  expect(shown(disk)).toEqual(Object.keys(ended).map(plain).sort())
  for (const [path, text] of Object.entries(ended)) {
    expect(disk.peek(at(plain(path)))?.toString(), path).toBe(text)
    if (disk.windows) continue
    const mode = (await disk.stat(at(plain(path))))?.mode ?? 0
    expect(mode & 0o100, path).toBe(path.endsWith('*') ? 0o100 : 0)
  }
  const lying = [...disk.paths(`${codexHome}/.stemma-stage`), ...disk.paths(stemmaHome)]
  expect(lying.filter((path) => /stage|tmp-|journal/.test(path))).toEqual([])
  const from = disk.trace.length
  expect((await applySecond(disk, ports)).changed).toEqual([])
  const reading = ['stat', 'open', 'read', 'close', 'list']
  expect(disk.trace.slice(from).filter(({ call }) => !reading.includes(call))).toEqual([])
}

/** `name: text` of each entry of a tar with short names; throws when it is not whole. */
function entriesOf(tar: Buffer): string[] {
  const found: string[] = []
  let from = 0
  while (tar[from] !== 0) {
    const text = (start: number, length: number) =>
      tar.toString('utf8', from + start, from + start + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 12), 8)
    expect(size, 'a whole tar').toBeGreaterThanOrEqual(0)
    found.push(`${text(0, 100)}: ${text(512, size)}`)
    from += 512 + Math.ceil(size / 512) * 512
  }
  expect(tar.length - from, 'a whole tar').toBeGreaterThanOrEqual(1024)
  return found
}
