/**
 * The real Disk, over node:fs.
 * Always holds: what the port promises (`disk.ts`). Calls on names run synchronously, since a trip through the
 * thread pool costs ten times the call; syncs and larger reads and writes go through the pool, so that the
 * loop stays free and several syncs overlap. Opening never blocks on a FIFO and yields ordinary files only.
 */
import fs from 'node:fs'
import { assert } from '../../schemas/fault.ts'
import { inlineBytesMax } from '../../schemas/limits.ts'
import type { Clock } from '../env/clock.ts'
import { systemClock } from '../env/system-clock.ts'
import { whileBusy } from './busy.ts'
import type { DirEntry, Disk, DiskFile, Kind, OpenMode, Stat } from './disk.ts'
import { byteOrder, type DiskCall, diskFault, errnoOf } from './errno.ts'
import { probeFolding } from './probe.ts'

const windows = process.platform === 'win32'
// Undefined on Windows, whatever the types say; there `open` looks before it opens.
const noFollow = fs.constants.O_NOFOLLOW ?? 0
const never = (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOCTTY ?? 0) | noFollow
const flags = {
  read: fs.constants.O_RDONLY | never,
  edit: fs.constants.O_RDWR | never,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | never,
} as const satisfies Record<OpenMode, number>

/**
 * The disk of this machine.
 * @param probeDir where names are compared to find out `foldsNames`; nothing is written there. Without it
 * the system's habit counts.
 */
export async function openDisk(probeDir?: string): Promise<Disk> {
  // macOS folds Unicode forms even where it keeps case apart.
  const mac = process.platform === 'darwin'
  const usual = new RealDisk(windows || mac, systemClock)
  if (mac || probeDir === undefined) return usual
  const folds = (await probeFolding(usual, probeDir)) ?? usual.foldsNames
  return folds === usual.foldsNames ? usual : new RealDisk(folds, systemClock)
}

/** A pause need not be unpredictable, only unlike that of another process. */
const jitter = { fraction: () => Math.random() }

class RealDisk implements Disk {
  readonly foldsNames: boolean
  readonly windows = windows
  readonly #clock: Clock

  constructor(foldsNames: boolean, clock: Clock) {
    this.foldsNames = foldsNames
    this.#clock = clock
  }

  async open(path: string, mode: OpenMode, permissions = 0o666): Promise<DiskFile> {
    return at('open', path, () => {
      if (noFollow === 0 && look(path)?.isSymbolicLink()) throw diskFault('ELOOP', 'open', path)
      const fd = fs.openSync(path, flags[mode], permissions)
      try {
        const stat = fs.fstatSync(fd)
        if (!stat.isFile()) throw diskFault(stat.isDirectory() ? 'EISDIR' : 'ENXIO', 'open', path)
      } catch (error) {
        fs.closeSync(fd)
        throw error
      }
      return new RealFile(fd, path)
    })
  }

  async stat(path: string): Promise<Stat | null> {
    return at('stat', path, () => {
      const stat = look(path)
      return stat ? toStat(stat) : null
    })
  }

  async list(path: string): Promise<readonly DirEntry[] | null> {
    return at('list', path, () => {
      if (!look(path)?.isDirectory()) return null
      const found = orNull(() => fs.readdirSync(path, { withFileTypes: true }))
      return found
        ? found
            .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
            .sort((a, b) => byteOrder(a.name, b.name))
        : null
    })
  }

  async makeDir(path: string, permissions = 0o777): Promise<boolean> {
    return at('makeDir', path, () => {
      try {
        fs.mkdirSync(path, permissions)
        return true
      } catch (error) {
        if (systemErrno(error) === 'EEXIST' && look(path)?.isDirectory()) return false
        throw error
      }
    })
  }

  async rename(from: string, to: string): Promise<void> {
    const attempt = async () =>
      at('rename', to, () => {
        try {
          fs.renameSync(from, to)
        } catch (error) {
          // Name the one that is missing.
          if (systemErrno(error) === 'ENOENT' && look(from) === null)
            throw diskFault('ENOENT', 'rename', from, error)
          throw error
        }
      })
    if (!windows) return attempt()
    return whileBusy(this.#clock, jitter, attempt, async () => look(to)?.isDirectory() ?? false)
  }

  async link(from: string, to: string): Promise<boolean> {
    return at('link', from, () => {
      // macOS would follow the link and name its target.
      if (look(from)?.isSymbolicLink()) throw diskFault('ELOOP', 'link', from)
      return unless('EEXIST', () => fs.linkSync(from, to))
    })
  }

  async unlink(path: string): Promise<boolean> {
    return at('unlink', path, () => unless('ENOENT ENOTDIR', () => fs.unlinkSync(path)))
  }

  async removeDir(path: string): Promise<boolean> {
    return at('removeDir', path, () => unless('ENOENT ENOTDIR ENOTEMPTY EEXIST', () => fs.rmdirSync(path)))
  }

  async chmod(path: string, permissions: number): Promise<void> {
    return at('chmod', path, () => {
      if (look(path)?.isSymbolicLink()) throw diskFault('ELOOP', 'chmod', path)
      fs.chmodSync(path, permissions)
    })
  }

  async syncDir(path: string): Promise<void> {
    if (windows) return
    const fd = at('syncDir', path, () => fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY))
    try {
      await pooled('syncDir', path, (done) => fs.fsync(fd, (error) => done(error, undefined)))
    } catch (error) {
      // Some network and FUSE file systems have no sync for folders, and say so this way.
      if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') throw error
    } finally {
      fs.closeSync(fd)
    }
  }

  async readLink(path: string): Promise<string> {
    return at('readLink', path, () => fs.readlinkSync(path))
  }

  async realPath(path: string): Promise<string | null> {
    return at('realPath', path, () => {
      try {
        return fs.realpathSync.native(path)
      } catch (error) {
        if (/^(ENOENT|ENOTDIR|ELOOP)$/.test(systemErrno(error) ?? '')) return null
        throw error
      }
    })
  }

  async freeBytes(path: string): Promise<number> {
    return at('freeBytes', path, () => {
      const volume = fs.statfsSync(path)
      return volume.bavail * volume.bsize
    })
  }
}

class RealFile implements DiskFile {
  readonly #path: string
  #fd: number | null

  constructor(fd: number, path: string) {
    this.#fd = fd
    this.#path = path
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const fd = this.#open()
    if (into.length <= inlineBytesMax)
      return at('read', this.#path, () => fs.readSync(fd, into, 0, into.length, position))
    return pooled('read', this.#path, (done) => fs.read(fd, into, 0, into.length, position, done))
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    // Joining costs less than handing hundreds of small parts to the system one by one.
    const whole = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
    for (let done = 0; done < whole.length; ) {
      const wrote = await this.#writeOnce(whole.subarray(done), position + done)
      if (wrote === 0) throw diskFault('EIO', 'write', this.#path)
      done += wrote
    }
  }

  async #writeOnce(bytes: Uint8Array, position: number): Promise<number> {
    const fd = this.#open()
    if (bytes.length <= inlineBytesMax)
      return at('write', this.#path, () => fs.writeSync(fd, bytes, 0, bytes.length, position))
    return pooled('write', this.#path, (done) => fs.write(fd, bytes, 0, bytes.length, position, done))
  }

  async truncate(length: number): Promise<void> {
    const fd = this.#open()
    return at('truncate', this.#path, () => fs.ftruncateSync(fd, length))
  }

  async sync(): Promise<void> {
    const fd = this.#open()
    await pooled('sync', this.#path, (done) => fs.fsync(fd, (error) => done(error, undefined)))
  }

  async dataSync(): Promise<void> {
    const fd = this.#open()
    await pooled('dataSync', this.#path, (done) => fs.fdatasync(fd, (error) => done(error, undefined)))
  }

  async stat(): Promise<Stat> {
    const fd = this.#open()
    return at('stat', this.#path, () => toStat(fs.fstatSync(fd, { bigint: true })))
  }

  /** A second close does nothing: the number may belong to another file by then. */
  async close(): Promise<void> {
    const fd = this.#fd
    this.#fd = null
    if (fd !== null) at('close', this.#path, () => fs.closeSync(fd))
  }

  #open(): number {
    assert(this.#fd !== null, 'a file is used after its close')
    return this.#fd
  }
}

/** Runs a synchronous call; what the system throws leaves as a Fault. */
function at<T>(call: DiskCall, path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    const errno = systemErrno(error)
    throw errno === null ? error : diskFault(errno, call, path, error)
  }
}

/** Runs a call in the thread pool, with its faults as `at` makes them. */
function pooled<T>(
  call: DiskCall,
  path: string,
  start: (done: (error: Error | null, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) return resolve(value)
      const errno = systemErrno(error)
      reject(errno === null ? error : diskFault(errno, call, path, error))
    })
  })
}

/** The errno of what node:fs threw; null for a bug (a path with NUL, a wrong argument). */
function systemErrno(error: unknown): string | null {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** True when `act` went through; false when it failed with one of the errnos (divided by spaces). */
function unless(errnos: string, act: () => void): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (errnos.split(' ').includes(systemErrno(error) ?? '-')) return false
    throw error
  }
}

/** What `act` yields, or null when the path (or something above it) is not there. */
function orNull<T>(act: () => T): T | null {
  try {
    return act()
  } catch (error) {
    const errno = systemErrno(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null
    throw error
  }
}

/** lstat in big integers: file ids of NTFS and of network file systems pass 2^53. */
const look = (path: string): fs.BigIntStats | null =>
  orNull(() => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null)

function toStat(stat: fs.BigIntStats): Stat {
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    mode: Number(stat.mode & 0o777n),
    mtimeMs: Number(stat.mtimeNs) / 1e6,
    ctimeMs: Number(stat.ctimeNs) / 1e6,
    ino: stat.ino.toString(),
    ...(windows ? {} : { uid: Number(stat.uid) }),
  }
}

function kindOf(of: fs.BigIntStats | fs.Dirent): Kind {
  if (of.isFile()) return 'file'
  if (of.isDirectory()) return 'folder'
  return of.isSymbolicLink() ? 'link' : 'other'
}
