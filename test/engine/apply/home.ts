/**
 * A home for the crash and race tests: applied once, then edited by its user; now a new canonical state
 * arrives that creates, replaces, sets a bit, removes, and turns a file into a folder.
 */
import { expect } from 'vitest'
import type { Disk } from '../../../engine/disk/disk.ts'
import { assert } from '../../../schemas/fault.ts'
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

const textAt = (disk: SimDisk, path: string): string | undefined => disk.peek(at(path))?.toString()

/** Files of the home as its user sees them. */
const shown = (disk: SimDisk): string[] =>
  disk
    .paths(codexHome)
    .map((path) => path.slice(codexHome.length + 1))
    .filter((path) => !path.endsWith('/') && !path.startsWith('.stemma-stage'))

/** At any moment: each file is as before or as after, and what is no longer as before lies in a backup. */
export function checkMoment(disk: SimDisk): void {
  const before: Tree = { ...first, ...edits }
  // A sweep comes here ten thousand times: what is wrong is gathered, and judged once.
  const wrong: string[] = []
  for (const path of shown(disk)) {
    const text = textAt(disk, path)
    const one = path in edits ? [edits[path]] : [before[path], second[path], second[`${path}*`]]
    if (!one.includes(text)) wrong.push(`${path} is ${text}`)
  }
  const backups = disk.paths(`${stemmaHome}/backups`).filter((path) => path.endsWith('.tar'))
  const kept = new Set(backups.flatMap((path) => entriesOf(disk.peek(path) ?? Buffer.alloc(0))))
  for (const [path, text] of Object.entries(before)) {
    const now = textAt(disk, path)
    if ((path in ended || `${path}*` in ended) && now === undefined) wrong.push(`${path} is missing`)
    if (now !== text && !kept.has(`${path}: ${text}`)) wrong.push(`${path} is in no backup`)
  }
  expect(wrong).toEqual([])
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
  const lying = [...disk.paths(`${codexHome}/.stemma-stage`), ...disk.paths(stemmaHome)]
  expect({
    faults: result.faults,
    conflicts: result.conflicts.map(({ path, kind }) => [path, kind]),
    shown: shown(disk),
    lying: lying.filter((path) => /stage|tmp-|journal/.test(path)),
  }).toEqual({
    faults: [],
    conflicts: [['prompts/edited.md', 'edited']],
    shown: Object.keys(ended).map(plain).sort(),
    lying: [],
  })
  const wrong: string[] = []
  for (const [path, text] of Object.entries(ended)) {
    if (textAt(disk, plain(path)) !== text) wrong.push(`${path} is ${textAt(disk, plain(path))}`)
    const mode = (await disk.stat(at(plain(path))))?.mode ?? 0
    if (!disk.windows && ((mode & 0o100) !== 0) !== path.endsWith('*')) wrong.push(`${path} has mode ${mode}`)
  }
  const from = disk.trace.length
  const { changed } = await applySecond(disk, ports)
  const reading = ['stat', 'open', 'read', 'close', 'list']
  const writing = disk.trace.slice(from).filter(({ call }) => !reading.includes(call))
  expect({ wrong, changed, writing }).toEqual({ wrong: [], changed: [], writing: [] })
}

/** `name: text` of each entry of a tar with short names; throws when it is not whole. */
function entriesOf(tar: Buffer): string[] {
  const found: string[] = []
  let from = 0
  while (tar[from] !== 0) {
    const text = (start: number, length: number) =>
      tar.toString('utf8', from + start, from + start + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 12), 8)
    assert(size >= 0, 'a backup is a whole tar')
    found.push(`${text(0, 100)}: ${text(512, size)}`)
    from += 512 + Math.ceil(size / 512) * 512
  }
  assert(tar.length - from >= 1024, 'a backup is a whole tar')
  return found
}
