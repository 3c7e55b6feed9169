/** Planted bugs: a disk that leaves out one thing that durability rests on. A sweep over it must fail. */
import type { Disk, DiskFile } from '../../engine/disk/disk.ts'
import type { SimDisk } from '../sim/disk.ts'

/**
 * `data`: dataSync does nothing. `content`: sync does nothing. `names`: syncDir does nothing. `order`: the last 219
 * bytes of a write (a signed head) reach the disk before the rest is even written.
 */
export type Careless = 'data' | 'content' | 'names' | 'order'
export const plants: readonly Careless[] = ['data', 'content', 'names', 'order']
const headRecordBytes = 219

export function careless(disk: SimDisk, without: Careless): Disk {
  return {
    foldsNames: disk.foldsNames,
    windows: disk.windows,
    open: async (path, mode, permissions) => carelessFile(await disk.open(path, mode, permissions), without),
    stat: (path) => disk.stat(path),
    list: (path) => disk.list(path),
    makeDir: (path, permissions) => disk.makeDir(path, permissions),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    unlink: (path) => disk.unlink(path),
    removeDir: (path) => disk.removeDir(path),
    chmod: (path, permissions) => disk.chmod(path, permissions),
    syncDir: async (path) => {
      if (without !== 'names') await disk.syncDir(path)
    },
    readLink: (path) => disk.readLink(path),
    realPath: (path) => disk.realPath(path),
    freeBytes: (path) => disk.freeBytes(path),
  }
}

function carelessFile(file: DiskFile, without: Careless): DiskFile {
  let late: { readonly bytes: Buffer; readonly position: number } | null = null
  return {
    read: (into, position) => file.read(into, position),
    async write(parts, position) {
      const bytes = Buffer.concat(parts)
      const cut = bytes.length - headRecordBytes
      if (without !== 'order' || cut <= 0) return file.write([bytes], position)
      await file.write([bytes.subarray(cut)], position + cut)
      late = { bytes: bytes.subarray(0, cut), position }
    },
    truncate: (length) => file.truncate(length),
    async sync() {
      if (without === 'content') return
      if (late) await file.write([late.bytes], late.position)
      late = null
      await file.sync()
    },
    async dataSync() {
      if (without === 'data') return
      await file.dataSync()
      if (late) await file.write([late.bytes], late.position)
      late = null
    },
    stat: () => file.stat(),
    close: () => file.close(),
  }
}
