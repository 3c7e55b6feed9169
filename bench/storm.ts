/**
 * A storm: every file of a home is written anew at once, as a checkout of another branch does it, until the last of
 * them is in place at a follower that watches. The peer fetches once when the storm is over; the floor writes and
 * syncs the same files, one after the other.
 */
import type { ChildProcess } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Contender, Contest } from './contest.ts'
import { makeHome, saveEdit, textOf } from './home.ts'
import { type Amount, writeAll } from './join.ts'
import { command, homesIn, Master, stemma } from './machines.ts'
import { rsyncAbsence } from './peers.ts'
import { Random } from './random.ts'
import { startRsync } from './rsync.ts'
import type { Scratch } from './scratch.ts'

const editBytes = 4_000
const timeoutMs = 120_000

export async function stormContest(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  rounds: number,
): Promise<Contest> {
  const random = new Random(seed)
  let paths: readonly string[] = []
  const master = await Master.start(scratch, 'stormy', (home) => {
    paths = makeHome(home, { seed, ...amount })
  })
  const homes = homesIn(scratch.folder('watcher'))
  await stemma(scratch, homes, 'follower', 'join', master.link, '--yes', '--json')
  const applied = await startWatch(scratch, homes)
  const rage = (home: string, round: number) => {
    for (const path of paths) saveEdit(home, path, textOf(random, editBytes + round))
  }
  const ours = master.homes.CODEX_HOME
  const contenders: Contender[] = [
    {
      name: 'serve and watch',
      role: 'ours',
      async measure(round) {
        const began = performance.now()
        rage(ours, round)
        await applied(() => paths.every((path) => isSame(ours, homes.CODEX_HOME, path)))
        return performance.now() - began
      },
    },
  ]
  const why = rsyncAbsence()
  if (why === null) {
    const source = join(scratch.folder('source'), 'home')
    cpSync(ours, source, { recursive: true })
    const daemon = await startRsync(scratch, source)
    const copy = scratch.folder('copy')
    contenders.push({
      name: 'rsync --fsync',
      role: 'peer',
      async measure(round) {
        const began = performance.now()
        rage(source, round)
        await scratch.run('rsync', ['-a', '--fsync', daemon.url, `${copy}/`])
        const ms = performance.now() - began
        if (!paths.every((path) => isSame(source, copy, path))) throw new Error('rsync missed an edit')
        return ms
      },
    })
  }
  contenders.push({
    name: 'write and sync each file',
    role: 'floor',
    measure: async () => writeAll(ours, scratch.folder('floor'), paths),
  })
  return {
    id: 'storm',
    what: `${amount.files} files written anew at once, until all are in place at a follower that watches`,
    unit: 'ms',
    better: 'less',
    rounds,
    contenders: why === null ? contenders : [...contenders, { name: 'rsync --fsync', why }],
    notes: ['the writing itself is counted, except on the floor; every file is compared at the end'],
  }
}

const isSame = (from: string, to: string, path: string): boolean =>
  readFileSync(join(from, path)).equals(readFileSync(join(to, path)))

/** Resolves once `isDone` holds, asked whenever the follower says that it has applied something. */
async function startWatch(scratch: Scratch, homes: ReturnType<typeof homesIn>) {
  const child = scratch.start(process.execPath, [command, 'follower', 'watch', '--json'], homes)
  let tell = () => {}
  const lines = createInterface({ input: stdoutOf(child) })
  await new Promise<void>((resolve) => lines.once('line', () => resolve()))
  lines.on('line', () => tell())
  return (isDone: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('a storm did not arrive')), timeoutMs)
      tell = () => {
        if (!isDone()) return
        tell = () => {}
        clearTimeout(late)
        resolve()
      }
    })
}

function stdoutOf({ stdout }: ChildProcess) {
  if (!stdout) throw new Error('bug: a child without its pipe')
  return stdout
}
