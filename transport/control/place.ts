/**
 * Where the sockets of a stemma folder lie: `run/` inside it, or a short folder in /tmp when that path is
 * longer than a socket's may be; on Windows one named pipe.
 * Always holds: every process of this user finds the same place for one folder, whatever its environment
 * says (so neither TMPDIR nor XDG_RUNTIME_DIR has a say); nobody else may enter it.
 */
import { join } from 'node:path'
import { sha256Hex } from '../../engine/crypto/hash.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { Fault } from '../../schemas/fault.ts'
import { socketPathBytesMax } from '../../schemas/limits.ts'

export type Place =
  | { readonly kind: 'folder'; readonly folder: string; readonly shared: boolean }
  | { readonly kind: 'pipe'; readonly pipe: string }

/** `w-` and 24 hex digits: a living claim. `c-`: the same socket before it listens, never looked at. */
const publicForm = /^w-[0-9a-f]{24}\.sock$/
const privateForm = /^c-[0-9a-f]{24}\.sock$/
const nameBytes = 'w-'.length + 24 + '.sock'.length
const shortRoot = '/tmp'

export const socketName = (stage: 'c' | 'w', digits: string): string => `${stage}-${digits}.sock`
export const isClaim = (name: string): boolean => publicForm.test(name)
export const isUnfinished = (name: string): boolean => privateForm.test(name)

/**
 * @returns null when `home` is no folder yet: then nobody can live there.
 * @throws Fault `disk-denied` for a folder of another user: two users would look for each other in two places.
 */
export async function findPlace(disk: Disk, home: string, uid: number | null): Promise<Place | null> {
  const real = await disk.realPath(home)
  if (real === null) return null
  const owner = (await disk.stat(real))?.uid
  if (owner !== undefined && uid !== null && owner !== uid)
    throw new Fault('disk-denied', `The folder ${home} belongs to another user.`, { path: home })
  if (disk.windows) {
    // One drive letter, one case: what Windows calls the same folder has one pipe.
    return { kind: 'pipe', pipe: `\\\\.\\pipe\\stemma-${shortHash(real.toLowerCase())}` }
  }
  const folder = join(real, 'run')
  if (Buffer.byteLength(folder) + 1 + nameBytes <= socketPathBytesMax)
    return { kind: 'folder', folder, shared: false }
  return {
    kind: 'folder',
    folder: join(shortRoot, `stemma-${uid ?? 0}-${shortHash(real)}`),
    shared: true,
  }
}

/** Makes the folder, or checks the one that is there: a folder of ours, closed to everybody else. */
export async function preparePlace(disk: Disk, folder: string, uid: number | null): Promise<void> {
  await disk.makeDir(folder, 0o700)
  await checkPlace(disk, folder, uid)
}

/** Whoever answers in a folder that others may enter could be anybody. False when there is no folder. */
export async function checkPlace(disk: Disk, folder: string, uid: number | null): Promise<boolean> {
  const stat = await disk.stat(folder)
  if (stat === null) return false
  const denied = (why: string) =>
    new Fault('disk-denied', `The folder ${folder}, which keeps two writers apart, ${why}.`, { path: folder })
  if (stat.kind !== 'folder') throw denied('is something else')
  if (stat.uid !== undefined && uid !== null && stat.uid !== uid) throw denied('belongs to another user')
  if ((stat.mode & 0o077) !== 0) throw denied('is open to other users (it must have mode 0700)')
  return true
}

const shortHash = (text: string): string => sha256Hex(Buffer.from(text)).slice(0, 24)
