/**
 * The simulated Disk: a volume in memory that can fail at any call and lose what was not made durable.
 * Always holds: every call of the port (and of its files) is counted and traced; a planned fault strikes at its
 * call once; after a power cut every call throws `PowerCut`, and only `reboot` gives a disk that works again.
 * The same seed and the same calls give the same disk.
 */
import type { DirEntry, Disk, DiskFile, OpenMode, Stat } from '../../engine/disk/disk.ts'
import { byteOrder, type DiskCall, diskFault } from '../../engine/disk/errno.ts'
import { assert } from '../../schemas/fault.ts'
import { resize, toBuffer, writeAt } from './content.ts'
import { afterCut, type Cut, spoilFolder, syncFile, syncFolder, syncNames, syncSome } from './durable.ts'
import { type Host, type Luck, SimFile } from './file.ts'
import { Image } from './image.ts'
import { type Node, Refused } from './node.ts'
import { Random } from './random.ts'

/** What can be made to happen at a call. `torn` cuts the power within a write, before any other call. */
export const diskFaults = ['EIO', 'ENOSPC', 'EACCES', 'EBUSY', 'crash-before', 'crash-after', 'torn'] as const
export type DiskFaultKind = (typeof diskFaults)[number]

/** Thrown by every call from the moment the power goes. No Fault: no code may handle it. */
export class PowerCut extends Error {
  constructor() {
    super('the power is gone')
    this.name = 'PowerCut'
  }
}

export type SimDiskOptions = {
  /** Of torn writes, failed syncs and whatever else is left to luck. */
  readonly seed?: number
  readonly windows?: boolean
  /** For timestamps; without it every look at the time is a millisecond later. */
  readonly now?: () => number
  /** Bytes that all files together may have. */
  readonly capacityBytes?: number
  /** Windows: the probability that a rename is refused although nothing of ours is open. */
  readonly busyChance?: number
}

export type TracedCall = { readonly call: DiskCall; readonly path: string }

const cuts: readonly Cut[] = ['none', 'all', 'each', 'prefix']
const uid = 1000

export class SimDisk implements Disk, Host {
  readonly windows: boolean
  readonly foldsNames: boolean
  /** How many calls were made, and which. */
  calls = 0
  readonly trace: TracedCall[] = []
  readonly #options: SimDiskOptions
  readonly #image: Image
  readonly #random: Random
  readonly #plan = new Map<number, DiskFaultKind>()
  #cut = false

  constructor(options: SimDiskOptions = {}, image?: Image) {
    this.#options = options
    this.windows = options.windows ?? false
    this.foldsNames = this.windows
    this.#random = new Random(options.seed ?? 1)
    let nowMs = 1_700_000_000_000
    this.#image = image ?? new Image(this.windows, options.now ?? (() => nowMs++))
  }

  // --- what a test does to it ---

  /** Lets `fault` strike at a call, counted from 1 since this object was made. */
  failAt(call: number, fault: DiskFaultKind): void {
    this.#plan.set(call, fault)
  }

  /** The power goes now. */
  cutPower(): void {
    this.#cut = true
  }

  /** The same disk once more: nothing that happens to one is seen by the other. Handles stay behind. */
  clone(seed = this.#random.seed): SimDisk {
    return new SimDisk({ ...this.#options, seed }, this.#image.clone())
  }

  /** As the next process finds it after a kill: everything written is seen, durable or not. */
  restart(): SimDisk {
    return this.clone()
  }

  /**
   * As it is after a power cut. The seed decides what survives of the unsynced: by its remainder of 4 nothing,
   * everything, each thing by its own luck, or everything up to some moment.
   */
  reboot(seed: number): SimDisk {
    const image = afterCut(this.#image, cuts[seed % cuts.length] ?? 'each', new Random(seed))
    return new SimDisk({ ...this.#options, seed }, image)
  }

  /** Everything as it is, made durable. */
  settled(): SimDisk {
    return this.reboot(1)
  }

  /** Puts a file there with everything above it, durable and uncounted. */
  plantFile(path: string, content: Uint8Array | string, mode = 0o644): void {
    this.plantFolder(parentOf(path))
    const image = this.#image
    const old = image.look(path)
    const file = image.own(old?.kind === 'file' ? old : image.makeFile(path, mode))
    file.live = writeAt(resize(file.live, 0), Buffer.from(content), 0)
    file.mode = mode
    image.touch(file)
    syncFile(image, file.id, true)
    syncNames(image, file.id)
  }

  plantFolder(path: string, mode = 0o755): void {
    if (this.#image.look(path) !== null) return
    this.plantFolder(parentOf(path))
    syncNames(this.#image, this.#image.makeFolder(path, mode).id)
  }

  plantLink(path: string, target: string): void {
    this.plantFolder(parentOf(path))
    syncNames(this.#image, this.#image.makeLink(path, target).id)
  }

  /** A socket or FIFO. */
  plantOther(path: string): void {
    this.plantFolder(parentOf(path))
    syncNames(this.#image, this.#image.makeOther(path).id)
  }

  /** The content of a file, uncounted and in spite of its mode; null when no file is there. */
  peek(path: string): Buffer | null {
    const node = this.#image.look(path)
    return node?.kind === 'file' ? toBuffer(node.live) : null
  }

  /** How many files, folders and links it remembers, those included that only a power cut could bring back. */
  get held(): number {
    return this.#image.nodes.size
  }

  /** Every path below `path`, folders with a slash at the end, uncounted. */
  paths(path = '/'): string[] {
    const node = this.#image.look(path)
    if (node?.kind !== 'folder') return []
    const base = path.endsWith('/') ? path : `${path}/`
    return [...node.live.values()]
      .sort((a, b) => byteOrder(a.name, b.name))
      .flatMap(({ name, id }) =>
        this.#image.node(id).kind === 'folder'
          ? [`${base}${name}/`, ...this.paths(`${base}${name}`)]
          : [`${base}${name}`],
      )
  }

  // --- the port ---

  open(path: string, mode: OpenMode, permissions = 0o666): Promise<DiskFile> {
    return this.call('open', path, () => {
      const image = this.#image
      const { node } = image.place(path)
      if (mode === 'create') {
        if (node) throw new Refused('EEXIST')
        return new SimFile(this, image, image.makeFile(path, permissions).id, path, true)
      }
      if (!node) throw new Refused('ENOENT')
      const file = image.file(node.id)
      image.need(file, mode === 'read' ? 0o4 : 0o6)
      return new SimFile(this, image, file.id, path, mode === 'edit')
    })
  }

  stat(path: string): Promise<Stat | null> {
    return this.call('stat', path, () => {
      const node = this.#image.look(path)
      return node ? this.statOf(node) : null
    })
  }

  list(path: string): Promise<readonly DirEntry[] | null> {
    return this.call('list', path, () => {
      const folder = this.#image.look(path)
      if (folder?.kind !== 'folder') return null
      this.#image.need(folder, 0o4)
      return [...folder.live.values()]
        .map(({ name, id }) => ({ name, kind: this.#image.node(id).kind }))
        .sort((a, b) => byteOrder(a.name, b.name))
    })
  }

  makeDir(path: string, permissions = 0o777): Promise<boolean> {
    return this.call('makeDir', path, () => {
      const { node } = this.#image.place(path)
      if (node?.kind === 'folder') return false
      this.#image.makeFolder(path, permissions)
      return true
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.call('rename', to, () => {
      if (this.windows && this.#random.chance(this.#options.busyChance ?? 0)) throw new Refused('EBUSY')
      this.#image.rename(from, to)
    })
  }

  link(from: string, to: string): Promise<boolean> {
    return this.call('link', from, () => unless(['EEXIST'], () => this.#image.link(from, to)))
  }

  unlink(path: string): Promise<boolean> {
    return this.call('unlink', path, () => unless(['ENOENT', 'ENOTDIR'], () => this.#image.unlink(path)))
  }

  removeDir(path: string): Promise<boolean> {
    return this.call('removeDir', path, () =>
      unless(['ENOENT', 'ENOTDIR', 'ENOTEMPTY'], () => this.#image.removeFolder(path)),
    )
  }

  chmod(path: string, permissions: number): Promise<void> {
    return this.call('chmod', path, () => {
      const { node } = this.#image.place(path)
      if (!node) throw new Refused('ENOENT')
      if (node.kind === 'link') throw new Refused('ELOOP')
      const own = this.#image.own(node)
      own.mode = permissions
      own.ctimeMs = this.#image.now()
    })
  }

  async syncDir(path: string): Promise<void> {
    if (this.windows) return
    const folder = () => this.#image.folder(this.#image.place(path, true).node?.id ?? missing())
    await this.call('syncDir', path, () => syncFolder(this.#image, folder().id), {
      spoil: () => spoilFolder(this.#image, folder().id, this.#random),
    })
  }

  readLink(path: string): Promise<string> {
    return this.call('readLink', path, () => {
      const { node } = this.#image.place(path)
      if (!node) throw new Refused('ENOENT')
      if (node.kind !== 'link') throw new Refused('EINVAL')
      return node.target
    })
  }

  realPath(path: string): Promise<string | null> {
    return this.call('realPath', path, () => this.#image.realPath(path))
  }

  freeBytes(path: string): Promise<number> {
    return this.call('freeBytes', path, () => {
      if (!this.#image.place(path, true).node) throw new Refused('ENOENT')
      return this.freeNow()
    })
  }

  // --- what its files share with it ---

  /** One call: counted, traced, and struck by what is planned for it. */
  async call<T>(call: DiskCall, path: string, act: () => T, luck: Luck = {}): Promise<T> {
    assert(path.startsWith('/'), `the simulated disk takes absolute paths only, not ${path}`)
    if (this.#cut) throw new PowerCut()
    this.calls++
    this.trace.push({ call, path })
    const fault = this.#plan.get(this.calls)
    if (this.windows) syncSome(this.#image, this.#random)
    // Whoever forgot to await goes on here before anything has happened.
    await null
    if (this.#cut) throw new PowerCut()
    switch (fault) {
      case undefined:
        return this.#try(call, path, act)
      case 'crash-before':
        this.#cut = true
        throw new PowerCut()
      case 'torn':
        luck.tear?.()
        this.#cut = true
        throw new PowerCut()
      case 'crash-after':
        try {
          this.#try(call, path, act)
        } finally {
          this.#cut = true
        }
        throw new PowerCut()
      default:
        this.#try(call, path, () => {
          luck.spoil?.()
          luck.part?.()
        })
        throw diskFault(fault, call, path)
    }
  }

  #try<T>(call: DiskCall, path: string, act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw error instanceof Refused ? diskFault(error.errno, call, path, error) : error
    }
  }

  get random(): Random {
    return this.#random
  }

  freeNow(): number {
    const { capacityBytes } = this.#options
    if (capacityBytes === undefined) return 2 ** 40
    return Math.max(0, capacityBytes - this.#image.usedBytes())
  }

  statOf(node: Node): Stat {
    return {
      kind: node.kind,
      size: node.kind === 'file' ? node.live.length : 0,
      mode: this.windows ? ((node.mode & 0o200) === 0 ? 0o444 : 0o666) : node.mode,
      mtimeMs: node.mtimeMs,
      ctimeMs: node.ctimeMs,
      ino: String(node.id),
      ...(this.windows ? {} : { uid }),
    }
  }
}

function unless(errnos: readonly string[], act: () => void): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (error instanceof Refused && errnos.includes(error.errno)) return false
    throw error
  }
}

function missing(): never {
  throw new Refused('ENOENT')
}

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))
