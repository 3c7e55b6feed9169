/**
 * Apply under every fault at every disk call, and against a user who edits at every disk call.
 * The world: a home that was applied once, then edited by its user; now a new canonical state arrives that
 * creates, replaces, sets a bit, removes, and turns a file into a folder.
 */
import { describe, expect, test } from 'vitest'
import type { Disk } from '../../engine/disk/disk.ts'
import { canon, type RigOptions, rigOn, storeBlobs, type Tree } from '../engine/apply/rig.ts'
import type { SimDisk } from '../sim/disk.ts'
import { type Scenario, sweep, type World } from '../sim/sweep.ts'

const codexHome = '/user/codex'
const stemmaHome = '/user/stemma'
const first: Tree = {
  'AGENTS.md': 'agents 1',
  'hooks/run.sh': 'run',
  'prompts/edited.md': 'prompt 1',
  'rules/dropped.md': 'dropped',
  'skills/a/SKILL.md': 'a 1',
  'skills/a/gone.md': 'gone',
  'skills/b': 'a file',
}
const second: Tree = {
  'AGENTS.md': `agents 2 ${'long '.repeat(200)}`,
  'hooks/run.sh*': 'run',
  'prompts/edited.md': 'prompt 2',
  'skills/a/SKILL.md': 'a 2',
  'skills/b/SKILL.md': 'now a folder',
  'skills/new/deep/SKILL.md': 'new',
}
/** What the user wrote, and no sync may touch. */
const edits: Tree = { 'prompts/edited.md': 'MINE', 'skills/a/local.md': 'LOCAL', 'notes.md': 'NOTES' }
/** What must be there in the end. */
const ended: Tree = { ...second, ...edits }

const optionsOf = ({ ids, clock }: Pick<World<never>, 'ids' | 'clock'>): RigOptions => ({
  ids,
  clock,
  codexHome,
  stemmaHome,
})

async function prepare(disk: SimDisk, world: World<never>): Promise<void> {
  const options = optionsOf(world)
  disk.plantFolder('/user')
  await storeBlobs(disk, options, first, second)
  await rigOn(disk, options).applier.apply(canon(first))
  for (const [path, text] of Object.entries(edits)) disk.plantFile(`${codexHome}/${path}`, text)
}

/** Paths below the home that a user would see. */
const shown = (disk: SimDisk) =>
  disk
    .paths(codexHome)
    .map((path) => path.slice(codexHome.length + 1))
    .filter((path) => !path.startsWith('.stemma-stage'))

/** Each file is as before or as after: never absent when it was there and stays, never half. */
function checkMoment(disk: SimDisk): void {
  const before: Tree = { ...first, ...edits }
  for (const path of shown(disk)) {
    if (path.endsWith('/')) continue
    const text = disk.peek(`${codexHome}/${path}`)?.toString()
    const allowed = [before[path], second[path], second[`${path}*`], edits[path]]
    expect(allowed, path).toContain(text)
  }
  for (const path of Object.keys(before))
    if (path in ended || `${path}*` in ended) expect(disk.peek(`${codexHome}/${path}`), path).not.toBeNull()
  for (const [path, text] of Object.entries(edits))
    expect(disk.peek(`${codexHome}/${path}`)?.toString(), path).toBe(text)
}

async function checkEnd(disk: SimDisk, world: Pick<World<never>, 'ids' | 'clock'>): Promise<void> {
  const options = optionsOf(world)
  const result = await rigOn(disk, options).applier.apply(canon(second))
  expect(result.faults).toEqual([])
  expect(result.conflicts.map(({ path, kind }) => [path, kind])).toEqual([['prompts/edited.md', 'edited']])
  const files = shown(disk).filter((path) => !path.endsWith('/'))
  expect(files).toEqual(
    Object.keys(ended)
      .map((path) => path.replace('*', ''))
      .sort(),
  )
  for (const [path, text] of Object.entries(ended)) {
    const at = `${codexHome}/${path.replace('*', '')}`
    expect(disk.peek(at)?.toString(), path).toBe(text)
    if (!disk.windows)
      expect(((await disk.stat(at))?.mode ?? 0) & 0o100, path).toBe(path.endsWith('*') ? 0o100 : 0)
  }
  // Nothing of ours lies about, and the next apply has nothing to do: it makes no call that writes.
  expect(disk.paths(`${codexHome}/.stemma-stage`)).toEqual([])
  expect(disk.paths(stemmaHome).filter((path) => /tmp-|journal/.test(path))).toEqual([])
  const from = disk.trace.length
  expect((await rigOn(disk, options).applier.apply(canon(second))).changed).toEqual([])
  const reading = ['stat', 'open', 'read', 'close', 'list']
  expect(disk.trace.slice(from).filter(({ call }) => !reading.includes(call))).toEqual([])
}

const scenario = (windows: boolean, wrap: (disk: SimDisk) => Disk = (disk) => disk): Scenario<never> => ({
  name: 'apply',
  windows,
  seed: 7,
  prepare,
  async run(disk, world) {
    const result = await rigOn(wrap(disk), optionsOf(world)).applier.apply(canon(second))
    // Whatever concerns one file alone is told, not thrown.
    for (const { fault } of result.faults)
      expect(['disk-busy', 'disk-denied', 'disk-io', 'disk-full']).toContain(fault.code)
  },
  async check(disk, { world }) {
    checkMoment(disk)
    await checkEnd(disk, world)
  },
})

describe('S37: every fault at every disk call of an apply', () => {
  for (const windows of [false, true])
    test(windows ? 'as Windows' : 'as POSIX', async () => {
      const swept = await sweep(scenario(windows))
      console.info(
        `apply${windows ? ' (Windows)' : ''}: ${swept.calls} calls, ${swept.runs} runs, ${swept.checks} checks`,
      )
      expect(swept.calls).toBeGreaterThan(100)
    }, 300_000)
})
