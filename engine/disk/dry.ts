/**
 * A disk that is only read: what opens a folder to work in it can look at it this way, and leaves it as it is.
 * Always holds: no call changes anything; one that would says that it did. What was "written" is not there afterwards,
 * so this is for whoever only looks.
 */
import type { DirEntry, Disk, DiskFile, OpenMode, Stat } from './disk.ts'

export class DryDisk implements Disk {
  readonly foldsNames: boolean
  readonly windows: boolean
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.foldsNames = disk.foldsNames
    this.windows = disk.windows
    this.#disk = disk
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    if (mode === 'create') return new Nothing()
    const file = await this.#disk.open(path, 'read')
    return mode === 'read' ? file : new DryFile(file)
  }
  stat(path: string): Promise<Stat | null> {
    return this.#disk.stat(path)
  }
  list(path: string): Promise<readonly DirEntry[] | null> {
    return this.#disk.list(path)
  }
  readLink(path: string): Promise<string> {
    return this.#disk.readLink(path)
  }
  realPath(path: string): Promise<string | null> {
    return this.#disk.realPath(path)
  }
  freeBytes(path: string): Promise<number> {
    return this.#disk.freeBytes(path)
  }

  async makeDir(): Promise<boolean> {
    return false
  }
  async rename(): Promise<void> {}
  async link(): Promise<boolean> {
    return true
  }
  async unlink(): Promise<boolean> {
    return true
  }
  async removeDir(): Promise<boolean> {
    return true
  }
  async chmod(): Promise<void> {}
  async syncDir(): Promise<void> {}
}

/** A file that is there. */
class DryFile implements DiskFile {
  readonly #file: DiskFile

  constructor(file: DiskFile) {
    this.#file = file
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#file.read(into, position)
  }
  stat(): Promise<Stat> {
    return this.#file.stat()
  }
  close(): Promise<void> {
    return this.#file.close()
  }
  async write(): Promise<void> {}
  async truncate(): Promise<void> {}
  async sync(): Promise<void> {}
  async dataSync(): Promise<void> {}
}

/** A file that would be made. */
class Nothing implements DiskFile {
  async read(): Promise<number> {
    return 0
  }
  async stat(): Promise<Stat> {
    return { kind: 'file', size: 0, mode: 0o600, mtimeMs: 0, ctimeMs: 0, ino: '' }
  }
  async write(): Promise<void> {}
  async truncate(): Promise<void> {}
  async sync(): Promise<void> {}
  async dataSync(): Promise<void> {}
  async close(): Promise<void> {}
}
