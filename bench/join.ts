/**
 * Cold join: a machine that has nothing gets the whole home, everything durable on its disk at the end.
 * Peers bring the same files into an empty folder. The floor writes and syncs the same files, and nothing else.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { World } from '../cli/context.ts'
import { run } from '../cli/run.ts'
import type { Contender, Contest } from './contest.ts'
import { git, makeRepository } from './git.ts'
import { makeHome } from './home.ts'
import { homesIn, Master, stemma } from './machines.ts'
import { gitAbsence, rsyncAbsence } from './peers.ts'
import { startRsync } from './rsync.ts'
import type { Scratch } from './scratch.ts'

export type Amount = { readonly files: number; readonly bytes: number }

export async function joinContest(scratch: Scratch, seed: number, amount: Amount, rounds: number) {
  let paths: readonly string[] = []
  const master = await Master.start(scratch, 'master', (home) => {
    paths = makeHome(home, { seed, ...amount })
  })
  const home = master.homes.CODEX_HOME
  const contenders: (Contender | { name: string; why: string })[] = [
    {
      name: 'stemma follower join',
      role: 'ours',
      async measure() {
        // One address may enrol only so many machines an hour; a master that starts again has counted none.
        await master.stop()
        await master.serve()
        const folder = scratch.folder('join')
        const { ms } = await stemma(
          scratch,
          homesIn(folder),
          'follower',
          'join',
          master.link,
          '--yes',
          '--json',
        )
        mustMatch(home, homesIn(folder).CODEX_HOME, paths)
        return ms
      },
    },
  ]
  const why = rsyncAbsence()
  if (why !== null) contenders.push({ name: 'rsync --fsync', why })
  else {
    const daemon = await startRsync(scratch, home)
    contenders.push({
      name: 'rsync --fsync',
      role: 'peer',
      async measure() {
        const folder = scratch.folder('rsync')
        const { ms } = await scratch.run('rsync', ['-a', '--fsync', daemon.url, `${folder}/`])
        mustMatch(home, folder, paths)
        return ms
      },
    })
  }
  const noGit = gitAbsence()
  if (noGit !== null) contenders.push({ name: 'git clone', why: noGit })
  else {
    const repository = await makeRepository(scratch, home)
    contenders.push({
      name: 'git clone',
      role: 'peer',
      async measure() {
        const folder = scratch.folder('clone')
        return (await git(scratch, 'clone', '--quiet', repository.url, join(folder, 'home'))).ms
      },
    })
  }
  contenders.push(
    {
      name: 'write and sync each file',
      role: 'floor',
      measure: async () => writeAll(home, scratch.folder('floor'), paths),
    },
    {
      name: 'stemma, without process start',
      role: 'ours',
      async measure() {
        const folder = scratch.folder('engine')
        const began = performance.now()
        const code = await run(['follower', 'join', master.link, '--yes', '--json'], quietWorld(folder))
        const ms = performance.now() - began
        if (code !== 0) throw new Error(`the join ended with ${code}`)
        mustMatch(home, homesIn(folder).CODEX_HOME, paths)
        return ms
      },
    },
  )
  const contest: Contest = {
    id: 'join',
    what: `cold join of ${amount.files} files, ${(amount.bytes / 1e6).toFixed(1)} MB, over loopback, everything durable`,
    unit: 'ms',
    better: 'less',
    rounds,
    contenders,
    aims: [
      { side: 'stemma follower join', to: 'rsync --fsync', most: 3, text: 'stemma ≤ 3 × rsync --fsync' },
    ],
    notes: [
      'whole processes, except: "without process start" is the same command inside the warm process of the bench',
      'rsync: from a daemon, syncs files, not folders; git: from file://, syncs its objects, not the files',
    ],
  }
  return contest
}

/** All files, one after the other, each durable before the next. */
export function writeAll(from: string, to: string, paths: readonly string[]): number {
  const contents = paths.map((path) => readFileSync(join(from, path)))
  const began = performance.now()
  for (const [index, path] of paths.entries()) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    const fd = openSync(join(to, path), 'wx')
    writeSync(fd, contents[index] ?? Buffer.alloc(0))
    fsyncSync(fd)
    closeSync(fd)
  }
  return performance.now() - began
}

/** A copy that is not one would be fast. */
function mustMatch(from: string, to: string, paths: readonly string[]): void {
  for (const path of paths)
    if (!readFileSync(join(from, path)).equals(readFileSync(join(to, path))))
      throw new Error(`${path} did not arrive as it is`)
}

function quietWorld(folder: string): World {
  const sink = { write: () => undefined, isTerminal: false, columns: undefined }
  return {
    env: homesIn(folder),
    homeDir: folder,
    cwd: folder,
    out: sink,
    err: { ...sink, write: (text) => void process.stderr.write(text) },
    pid: process.pid,
    uid: process.getuid?.() ?? null,
    signal: new AbortController().signal,
    ask: async () => null,
    become: () => Promise.reject(new Error('a bench becomes nothing else')),
  }
}
