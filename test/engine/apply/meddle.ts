/** A Disk around a Disk: something happens right before a call, or a call is done otherwise than asked. */
import type { Disk, DiskFile, OpenMode } from '../../../engine/disk/disk.ts'
import type { DiskCall } from '../../../engine/disk/errno.ts'

export type Call = { readonly call: DiskCall; readonly path: string; readonly to: string | null }
/** Awaited before each call; true when it took the place of the call (only for calls without an answer). */
export type Meddle = (call: Call) => Promise<boolean>

export function meddled(disk: Disk, meddle: Meddle): Disk {
  const before = (call: DiskCall, path: string, to: string | null = null) => meddle({ call, path, to })
  return {
    foldsNames: disk.foldsNames,
    windows: disk.windows,
    async open(path: string, mode: OpenMode, permissions?: number) {
      await before('open', path)
      return meddledFile(await disk.open(path, mode, permissions), path, before)
    },
    async stat(path) {
      await before('stat', path)
      return disk.stat(path)
    },
    async list(path) {
      await before('list', path)
      return disk.list(path)
    },
    async makeDir(path, permissions) {
      await before('makeDir', path)
      return disk.makeDir(path, permissions)
    },
    async rename(from, to) {
      if (!(await before('rename', from, to))) await disk.rename(from, to)
    },
    async link(from, to) {
      return (await before('link', from, to)) ? true : disk.link(from, to)
    },
    async unlink(path) {
      return (await before('unlink', path)) ? true : disk.unlink(path)
    },
    async removeDir(path) {
      await before('removeDir', path)
      return disk.removeDir(path)
    },
    async chmod(path, permissions) {
      if (!(await before('chmod', path))) await disk.chmod(path, permissions)
    },
    async syncDir(path) {
      if (!(await before('syncDir', path))) await disk.syncDir(path)
    },
    async readLink(path) {
      await before('readLink', path)
      return disk.readLink(path)
    },
    async realPath(path) {
      await before('realPath', path)
      return disk.realPath(path)
    },
    async freeBytes(path) {
      await before('freeBytes', path)
      return disk.freeBytes(path)
    },
  }
}

function meddledFile(
  file: DiskFile,
  path: string,
  before: (call: DiskCall, path: string) => Promise<boolean>,
): DiskFile {
  return {
    async read(into, position) {
      await before('read', path)
      return file.read(into, position)
    },
    async write(parts, position) {
      if (!(await before('write', path))) await file.write(parts, position)
    },
    async truncate(length) {
      if (!(await before('truncate', path))) await file.truncate(length)
    },
    async sync() {
      if (!(await before('sync', path))) await file.sync()
    },
    async dataSync() {
      if (!(await before('dataSync', path))) await file.dataSync()
    },
    stat: () => file.stat(),
    close: () => file.close(),
  }
}
