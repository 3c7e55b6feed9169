/**
 * What the system's error names mean here: one pure table, used by the real disk and the simulated one.
 * Always holds: every errno gets a code from the closed list; the sentence names the path and the reason.
 */
import type { Code } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'

type DiskCode = Extract<Code, `disk-${string}`>
const meaning = (code: DiskCode, reason: string): { readonly code: DiskCode; readonly reason: string } => ({
  code,
  reason,
})

/** `disk-denied` covers both what the user may not do and what stands in the way by its kind or name. */
const meanings = {
  ENOSPC: meaning('disk-full', 'no space is left on the disk'),
  EDQUOT: meaning('disk-full', "the user's share of the disk is used up"),
  EACCES: meaning('disk-denied', 'permission is missing'),
  EPERM: meaning('disk-denied', 'the system does not permit it'),
  EROFS: meaning('disk-denied', 'the file system is read-only'),
  ELOOP: meaning('disk-denied', 'it is a symbolic link, and links are not followed here'),
  EISDIR: meaning('disk-denied', 'it is a folder'),
  EEXIST: meaning('disk-denied', 'something else is there already'),
  ENOTEMPTY: meaning('disk-denied', 'the folder is not empty'),
  ENXIO: meaning('disk-denied', 'it is no ordinary file'),
  EOPNOTSUPP: meaning('disk-denied', 'the file system cannot do that'),
  ENOTSUP: meaning('disk-denied', 'the file system cannot do that'),
  ENOSYS: meaning('disk-denied', 'the file system cannot do that'),
  EINVAL: meaning('disk-denied', 'the file system cannot do that'),
  EXDEV: meaning('disk-denied', 'the two names are on different volumes'),
  EMLINK: meaning('disk-denied', 'the file has too many names'),
  ENAMETOOLONG: meaning('disk-denied', 'the name is too long for the file system'),
  EBUSY: meaning('disk-busy', 'another program is using it'),
  ETXTBSY: meaning('disk-busy', 'it is a program that is running'),
  EMFILE: meaning('disk-busy', 'too many files are open'),
  ENFILE: meaning('disk-busy', 'too many files are open'),
  ENOENT: meaning('disk-missing', 'it is not there'),
  ENOTDIR: meaning('disk-missing', 'something above it is no folder'),
  EIO: meaning('disk-io', 'the disk failed to read or write'),
} as const

export type Errno = keyof typeof meanings
const isErrno = (value: string): value is Errno => Object.hasOwn(meanings, value)

/** What people call the calls. */
const verbs = {
  open: 'open',
  read: 'read',
  write: 'write',
  truncate: 'shorten',
  sync: 'make durable',
  dataSync: 'make durable',
  close: 'finish',
  stat: 'look at',
  list: 'list',
  makeDir: 'make the folder',
  rename: 'rename',
  link: 'give a second name to',
  unlink: 'remove',
  removeDir: 'remove the folder',
  chmod: 'set the permissions of',
  syncDir: 'make durable the folder',
  readLink: 'read the link',
  realPath: 'resolve',
  freeBytes: 'ask for the free space of',
} as const

/** A call of the Disk port, or of one of its files. */
export type DiskCall = keyof typeof verbs

/** The fault for `errno` at a call on `path`. Facts: errno, path, call. */
export function diskFault(errno: string, call: DiskCall, path: string, cause?: unknown): Fault {
  const { code, reason } = isErrno(errno)
    ? meanings[errno]
    : meaning('disk-io', `the system reports ${errno}`)
  return new Fault(code, `Cannot ${verbs[call]} ${path}: ${reason}.`, { errno, path, call }, cause)
}

/** The errno of a disk fault, or null for everything else that can be thrown. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Fault)) return null
  const errno = error.facts['errno']
  return typeof errno === 'string' ? errno : null
}

/** Byte order of the UTF-8 forms: the order of every listing. */
export function byteOrder(a: string, b: string): number {
  if (a === b) return 0
  for (let at = 0; at < a.length && at < b.length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === right) continue
    // UTF-16 and UTF-8 order differ only where a surrogate meets a character above the surrogates.
    if (left >= 0xd800 && right >= 0xd800) return Buffer.compare(Buffer.from(a), Buffer.from(b))
    return left - right
  }
  return a.length - b.length
}
