/**
 * Looks at a home for what `session.ts` decides on: writer locks, and on Linux the processes behind them.
 * Always holds: only reads; what vanishes or may not be read while it looks is passed over; everything goes
 * through the Disk port, `/proc` included, so a system without one answers "unknown".
 *
 * Elsewhere: macOS and Windows have no file that names the holder of a lock. There a lock file counts as held, which
 * errs only after a kill and until Codex starts the next time, for it then removes what nobody holds.
 */
import { basename, isAbsolute, join, resolve } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { processFileBytesMax } from '../../schemas/limits.ts'
import { readPieces } from '../blobs/blobs.ts'
import type { Disk } from '../disk/disk.ts'
import type { CodexProcess, Observation, WriterLock } from './session.ts'

/** @param home the Codex home, as anybody spells it; it need not exist. */
export async function observeSessions(disk: Disk, home: string, proc = '/proc'): Promise<Observation> {
  const real = await disk.realPath(home)
  if (real === null) return { locks: [], processes: [] }
  return { locks: await listLocks(disk, real, proc), processes: await listProcesses(disk, real, proc) }
}

const lockForm = /^([0-9a-f][0-9a-f-]{35})\.lock$/

async function listLocks(disk: Disk, home: string, proc: string): Promise<WriterLock[]> {
  const folder = join(home, 'thread-writer-locks')
  const names = ((await disk.list(folder)) ?? []).filter((entry) => lockForm.test(entry.name))
  if (names.length === 0) return []
  const holders = await readHolders(disk, proc)
  const locks: WriterLock[] = []
  for (const { name } of names) {
    const stat = await disk.stat(join(folder, name))
    if (stat?.kind !== 'file') continue
    const thread = name.slice(0, -'.lock'.length)
    locks.push({ thread, holder: holders === null ? 'unknown' : (holders.get(stat.ino) ?? 'nobody') })
  }
  return locks
}

/** `14: FLOCK  ADVISORY  WRITE 3091 fe:00:15346607 0 EOF`; one that waits has `->` and holds nothing. */
const heldForm = /^\d+: [A-Z]+ +[A-Z]+ +WRITE +(-?\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /

/** Who holds a lock, by the number of the file's inode; null where the system does not tell. */
async function readHolders(
  disk: Disk,
  proc: string,
): Promise<ReadonlyMap<string, WriterLock['holder']> | null> {
  const text = await readText(disk, join(proc, 'locks'))
  if (text === null) return null
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, pid = '0', inode = ''] = heldForm.exec(line) ?? []
      if (inode === '') return []
      // Zero or less: a process of another namespace, or a lock that belongs to no process.
      return [[inode, Number(pid) > 0 ? { pid: Number(pid) } : 'unseen'] as const]
    }),
  )
}

/** As packages name it, or a release of its own; Linux says when the file was replaced by an upgrade. */
const programForm = /^codex(?:-(?:x86_64|aarch64)-[\w-]+)?(?: \(deleted\))?$/

async function listProcesses(disk: Disk, home: string, proc: string): Promise<CodexProcess[] | null> {
  const pids = ((await disk.list(proc)) ?? []).filter((entry) => /^\d+$/.test(entry.name))
  // macOS and Windows have no such folder; one without a single process is no process file system.
  if (pids.length === 0) return null
  const found: CodexProcess[] = []
  for (const { name } of pids) {
    const folder = join(proc, name)
    const program = await readLink(disk, join(folder, 'exe'))
    if (program === null || !programForm.test(basename(program))) continue
    const env = parseEnv(await readText(disk, join(folder, 'environ')))
    const named = env.get('CODEX_HOME') || (env.get('HOME') ? join(env.get('HOME') ?? '', '.codex') : '')
    if (named === '') continue
    const cwd = isAbsolute(named) ? '/' : await readLink(disk, join(folder, 'cwd'))
    if (cwd === null || (await disk.realPath(resolve(cwd, named))) !== home) continue
    const args = ((await readText(disk, join(folder, 'cmdline'))) ?? '').split('\0').slice(1, -1)
    found.push({ pid: Number(name), args })
  }
  return found
}

const parseEnv = (text: string | null): ReadonlyMap<string, string> =>
  new Map(
    (text ?? '').split('\0').flatMap((pair) => {
      const at = pair.indexOf('=')
      return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)] as const] : []
    }),
  )

/** Null when the process is gone or another user's. */
const readLink = (disk: Disk, path: string) => orNull(() => disk.readLink(path))

const readText = (disk: Disk, path: string) =>
  orNull(async () => {
    const file = await disk.open(path, 'read')
    try {
      const pieces: Buffer[] = []
      // These files say that they are empty.
      for await (const piece of readPieces(file, processFileBytesMax, 0)) pieces.push(piece)
      return Buffer.concat(pieces).toString()
    } finally {
      await file.close()
    }
  })

async function orNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}
