/**
 * From a save on the master to the file in place at a follower that watches, both whole processes on this machine; and
 * what the two cost while nothing happens. The floor is a process that watches one folder, copies what changes, and
 * syncs it: no log, no link, no look at the rest of the home.
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync, type FSWatcher, readFileSync, watch } from 'node:fs'
import { platform } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Contest, figureOf, sideOf } from './contest.ts'
import { makeHome, saveEdit, textOf } from './home.ts'
import { cpuMs, residentMb } from './idle.ts'
import type { Amount } from './join.ts'
import { command, homesIn, Master, stemma } from './machines.ts'
import { Random } from './random.ts'
import type { Figure } from './report.ts'
import type { Scratch } from './scratch.ts'

const folder = 'skills/skill-1'
const name = 'SKILL.md'
const editBytes = 4_000

/** The edits come when everything has come to rest, as those of a person do. */
const restMs = 150

const arrivalTimeoutMs = 30_000

export type WatchSizes = {
  readonly edits: number
  readonly idleMs: number
  /** A home of everyday size goes without saying. */
  readonly isLarge: boolean
}

export async function watchContests(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  { edits, idleMs, isLarge }: WatchSizes,
): Promise<readonly [readonly Figure[], Contest]> {
  const suffix = isLarge ? '-large' : ''
  const pair = await watchedPair(scratch, { seed, ...amount })
  const random = new Random(seed)
  const source = scratch.folder('source')
  const copy = scratch.folder('copy')
  await startCopier(scratch, join(source, 'home'), join(copy, 'home'))
  const edit = async (from: string, to: string, path: string): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, restMs))
    const content = textOf(random, editBytes)
    const arrived = arrival(join(to, path), content)
    const began = performance.now()
    saveEdit(from, path, content)
    return (await arrived) - began
  }
  return [
    await idleFigures(scratch, pair, idleMs, amount, suffix),
    {
      id: `watch${suffix}`,
      what: `from a save in a home of ${amount.files} files to the file in place at a follower that watches`,
      unit: 'ms',
      better: 'less',
      rounds: edits,
      contenders: [
        {
          name: 'serve and watch',
          role: 'ours',
          measure: () => edit(pair.master, pair.follower, `${folder}/${name}`),
        },
        {
          name: 'watch, copy, sync',
          role: 'floor',
          measure: () => edit(join(source, 'home'), join(copy, 'home'), name),
        },
      ],
      aims: aimsFor(isLarge),
      notes: ['signed and durable at both ends before it is in place'],
    },
  ]
}

/** As the issue of this figure has them, for homes of both sizes. */
const aimsFor = (isLarge: boolean) =>
  isLarge
    ? [{ side: 'serve and watch', most: 250, text: 'median ≤ 250 ms' }]
    : [
        { side: 'serve and watch', most: 120, text: 'median ≤ 120 ms' },
        { side: 'serve and watch', p99: 400, text: 'p99 ≤ 400 ms' },
      ]

type WatchedPair = {
  readonly master: string
  readonly follower: string
  /** The two processes, by what they run. */
  readonly pids: Readonly<Record<'master serve' | 'follower watch', number>>
}

async function watchedPair(scratch: Scratch, plan: Amount & { readonly seed: number }): Promise<WatchedPair> {
  const master = await Master.start(scratch, 'watched', (home) => void makeHome(home, plan))
  const homes = homesIn(scratch.folder('watcher'))
  await stemma(scratch, homes, 'follower', 'join', master.link, '--yes', '--json')
  const watcher = scratch.start(process.execPath, [command, 'follower', 'watch', '--json'], homes)
  await firstLine(watcher)
  return {
    master: master.homes.CODEX_HOME,
    follower: homes.CODEX_HOME,
    pids: { 'master serve': master.pid, 'follower watch': watcher.pid ?? 0 },
  }
}

/** The same with nothing of ours: what changes in one folder is written beside its copy, synced, and renamed. */
const copier = `
const { watch, readFileSync, openSync, writeSync, fsyncSync, closeSync, renameSync, mkdirSync } = require('node:fs')
const { join } = require('node:path')
const [from, to] = process.argv.slice(1)
for (const folder of [from, to]) mkdirSync(folder)
watch(from, (_, name) => {
  let content
  try { content = readFileSync(join(from, name)) } catch { return }
  const fd = openSync(join(to, '.beside'), 'w')
  writeSync(fd, content)
  fsyncSync(fd)
  closeSync(fd)
  renameSync(join(to, '.beside'), join(to, name))
})
console.log('ready')
`

async function startCopier(scratch: Scratch, from: string, to: string): Promise<void> {
  await firstLine(scratch.start(process.execPath, ['-e', copier, from, to]))
}

function firstLine(child: ChildProcess): Promise<void> {
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('bug: a child without its pipes')
  let trouble = ''
  stderr.setEncoding('utf8').on('data', (text: string) => {
    trouble += text
  })
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).once('line', () => resolve())
    child.once('close', (status) => reject(new Error(`a child ended with ${status}: ${trouble}`)))
  })
}

/** When a file has this content: whoever waits for it sleeps until the system tells of a change in its folder. */
function arrival(file: string, content: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let watcher: FSWatcher | null = null
    const late = setTimeout(() => {
      watcher?.close()
      reject(new Error(`${file} did not arrive`))
    }, arrivalTimeoutMs)
    const look = () => {
      if (!existsSync(file) || readFileSync(file, 'utf8') !== content) return
      const atMs = performance.now()
      watcher?.close()
      clearTimeout(late)
      resolve(atMs)
    }
    watcher = watch(dirname(file), look)
  })
}

/** What is spent while nothing happens, of one core; and the memory that is held. */
async function idleFigures(
  scratch: Scratch,
  { pids }: WatchedPair,
  idleMs: number,
  amount: Amount,
  suffix: string,
): Promise<readonly Figure[]> {
  if (platform() !== 'linux') return []
  const bare = scratch.start(process.execPath, ['-e', 'console.log(); setInterval(() => {}, 1000)'])
  await firstLine(bare)
  const all = { ...pids, 'node, a timer each second': bare.pid ?? 0 }
  const spent = () => Object.values(all).map(cpuMs)
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  const before = spent()
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  const shares = spent().map((ms, at) => (100 * (ms - (before[at] ?? 0))) / idleMs)
  const roles = ['ours', 'ours', 'floor'] as const
  const sides = (values: readonly number[]) =>
    Object.keys(all).map((name, at) => sideOf(name, roles[at] ?? 'floor', [values[at] ?? Number.NaN]))
  const shared = { better: 'less' as const, rounds: 1, beside: 'node, a timer each second' }
  const what = `with nothing to do, in a home of ${amount.files} files`
  return [
    figureOf(
      {
        ...shared,
        id: `idle${suffix}`,
        what: `CPU ${what}, for ${idleMs / 1000} s`,
        unit: '% of a core',
        aims: [
          { side: 'master serve', most: 0.2, text: 'master serve ≤ 0.2 %' },
          { side: 'follower watch', most: 0.2, text: 'follower watch ≤ 0.2 %' },
        ],
      },
      sides(shares),
    ),
    figureOf(
      {
        ...shared,
        id: `memory${suffix}`,
        what: `resident memory ${what}`,
        unit: 'MB',
        aims: [{ side: 'master serve', most: 80, text: 'master serve ≤ 80 MB' }],
      },
      sides(Object.values(all).map(residentMb)),
    ),
  ]
}
