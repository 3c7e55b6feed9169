/**
 * A home of 10,000 files at a master: how long a look takes when nothing changed, and how long from a save to
 * the `published` event of `master serve`. The floor of the look is a walk that only asks for each file's stat.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Blobs } from '../engine/blobs/blobs.ts'
import { emptyIndex, type Scan, scan } from '../engine/canon/scan.ts'
import { defaultSelection } from '../engine/canon/selection.ts'
import { openDisk } from '../engine/disk/real.ts'
import { systemClock, systemIds } from '../engine/env/system.ts'
import { settleMs } from '../schemas/limits.ts'
import { type Contest, figureOf, sideOf } from './contest.ts'
import { makeHome, saveEdit, textOf } from './home.ts'
import type { Amount } from './join.ts'
import { Master } from './machines.ts'
import { Random } from './random.ts'
import type { Figure } from './report.ts'
import type { Scratch } from './scratch.ts'

export async function rescanContest(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  rounds: number,
): Promise<Contest> {
  const home = scratch.folder('home')
  makeHome(home, { seed, ...amount })
  const disk = await openDisk(home)
  const blobs = new Blobs(disk, systemIds, join(scratch.folder('store'), 'blobs'))
  await blobs.open()
  let last: Scan | null = null
  async function look(): Promise<number> {
    const began = performance.now()
    last = await scan({
      disk,
      home,
      blobs,
      clock: systemClock,
      selection: defaultSelection,
      fences: [],
      breathe: () => new Promise<void>((resolve) => setImmediate(resolve)),
      previous: last?.files ?? new Map(),
      previousSecrets: new Set(),
      index: last?.index ?? emptyIndex,
    })
    if (last.files.size !== amount.files)
      throw new Error(`the scan saw ${last.files.size} of ${amount.files} files`)
    return performance.now() - began
  }
  async function walkOnly(): Promise<number> {
    const began = performance.now()
    const count = (folder: string): number =>
      readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
        const at = join(folder, entry.name)
        if (entry.isDirectory()) return sum + count(at)
        lstatSync(at, { bigint: true })
        return sum + 1
      }, 0)
    if (count(home) !== amount.files) throw new Error('the walk missed files')
    return performance.now() - began
  }
  return {
    id: 'rescan',
    what: `a look at an unchanged home of ${amount.files} files`,
    unit: 'ms',
    better: 'less',
    rounds,
    contenders: [
      { name: 'stemma scan', role: 'ours', measure: look },
      { name: 'walk with lstat', role: 'floor', measure: walkOnly },
    ],
    notes: ['the first look, which reads every file, is the round that is not counted'],
  }
}

export async function publishFigure(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  edits: number,
): Promise<Figure> {
  const random = new Random(seed)
  let paths: readonly string[] = []
  const master = await Master.start(scratch, 'large', (home) => {
    paths = makeHome(home, { seed, ...amount })
  })
  const times: number[] = []
  for (let edit = 0; edit < edits; edit++) {
    const path = paths[random.below(paths.length)] ?? 'AGENTS.md'
    const content = textOf(random, 2_000)
    const began = performance.now()
    await master.publishes(() => saveEdit(master.homes.CODEX_HOME, path, content))
    times.push(performance.now() - began)
  }
  await master.stop()
  const facts = {
    id: 'publish',
    what: `from a save in a home of ${amount.files} files to the event \`published\`, ${edits} edits`,
    unit: 'ms',
    better: 'less' as const,
    rounds: edits,
    aims: [{ side: 'master serve', most: 1_000, text: 'published within a second' }],
    notes: [`the first ${settleMs} ms are quiet time, in which an editor may still be writing`],
  }
  return figureOf(facts, [
    sideOf('master serve', 'ours', times),
    sideOf(
      'quiet time',
      'floor',
      times.map(() => settleMs),
    ),
  ])
}
