/**
 * The Disk port: the only way to files. The real side is `real.ts`, the simulated one `test/sim/disk.ts`;
 * both pass `test/engine/disk/suite.ts`.
 * Always holds: every failure is a `Fault` of the disk codes with the system's errno in `facts.errno`;
 * nothing follows a symlink in the last part of a path unless it says so; bytes are durable after
 * `sync`/`dataSync` of the file, names after `syncDir` of their folder.
 */

export type Kind = 'file' | 'folder' | 'link' | 'other'
export type Stat = {
  readonly kind: Kind
  readonly size: number
  /** Permission bits (0o777). On Windows only what Node reports there. */
  readonly mode: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  /** Identity of the file on its volume, for "is it still the same file". */
  readonly ino: string
  /** Its owner; absent on Windows. */
  readonly uid?: number
}
export type DirEntry = { readonly name: string; readonly kind: Kind }

export interface DiskFile {
  /** Reads into `into` from `position`; returns how many bytes, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all parts, one after the other, at `position`. May leave a prefix behind when it fails. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Data and metadata durable. After a failure nothing is known: close, never retry. */
  sync(): Promise<void>
  /** Data and length durable. After a failure nothing is known: close, never retry. */
  dataSync(): Promise<void>
  stat(): Promise<Stat>
  close(): Promise<void>
}

/** `read`: must exist. `create`: must not exist. `edit`: must exist, read and write. */
export type OpenMode = 'read' | 'create' | 'edit'

export interface Disk {
  /** True where names that differ only in case (or Unicode form) are one file. */
  readonly foldsNames: boolean
  /** True where folders cannot be synced (Windows); `syncDir` does nothing there. */
  readonly windows: boolean
  /** Opens without following a final symlink. `permissions` applies to `create` (before umask). */
  open(path: string, mode: OpenMode, permissions?: number): Promise<DiskFile>
  /** lstat; null when nothing is there (or a parent is missing or no folder). */
  stat(path: string): Promise<Stat | null>
  /** Entries in byte order of their names; null when no such folder. */
  list(path: string): Promise<readonly DirEntry[] | null>
  /** Makes one folder; false when it was there already. The parent must exist. */
  makeDir(path: string, permissions?: number): Promise<boolean>
  /** Replaces a file of that name. Retries a while where Windows says busy. */
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; false when `to` exists already. Fault `disk-denied` where links are not possible. */
  link(from: string, to: string): Promise<boolean>
  /** Removes a file or a symlink; false when nothing was there. */
  unlink(path: string): Promise<boolean>
  /** Removes an empty folder; false when it was not there or not empty. */
  removeDir(path: string): Promise<boolean>
  chmod(path: string, permissions: number): Promise<void>
  /** Makes the names in a folder durable. Follows a symlink: nothing can be harmed through it. */
  syncDir(path: string): Promise<void>
  /** Where a symlink leads, as written in it. */
  readLink(path: string): Promise<string>
  /** The path with every symlink resolved; null when it leads nowhere. */
  realPath(path: string): Promise<string | null>
  /** Bytes that this user may still write on the volume of `path`. */
  freeBytes(path: string): Promise<number>
}
