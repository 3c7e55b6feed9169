/**
 * Whole small files: saved so that after any crash the old or the new content is there, and read with a bound.
 * Always holds: a temporary name begins with `tempMark` and lies beside its target; after `saveFile` returns,
 * content and name are durable. A hint promises nothing of that.
 */

import { basename, dirname, join } from 'node:path'
import { size as inUnits } from '../../schemas/amount.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Ids } from '../env/ids.ts'
import type { Disk } from './disk.ts'
import { errnoOf } from './errno.ts'

/** What a power cut in mid-save may leave behind begins with this; `sweepTemps` removes it. */
export const tempMark = '.tmp-'

/**
 * Replaces `path` by `bytes`, all or nothing. The folder must exist.
 * @param permissions of the new file (before umask).
 */
export async function saveFile(
  disk: Disk,
  ids: Ids,
  path: string,
  bytes: Uint8Array,
  permissions: number,
): Promise<void> {
  const temp = join(dirname(path), `${tempMark}${ids.name()}`)
  const file = await disk.open(temp, 'create', permissions)
  try {
    try {
      await file.write([bytes], 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(temp, path)
  } catch (error) {
    // The first failure is the one to tell; what cannot be removed now is swept at the next start.
    await disk.unlink(temp).catch(() => false)
    throw error
  }
  await settleName(disk, path)
}

/** Replaces a hint, which is nobody else's to read and may be lost: without a sync, and not in one piece. */
export async function saveHint(disk: Disk, path: string, text: string): Promise<void> {
  await disk.unlink(path)
  const file = await disk.open(path, 'create', 0o600)
  try {
    await file.write([Buffer.from(text)], 0)
  } finally {
    await file.close()
  }
}

/**
 * Makes the name of a file durable after it was made or renamed: the folder is synced, or, where folders
 * cannot be (Windows), the file under its new name, which carries its names with it.
 */
export async function settleName(disk: Disk, path: string): Promise<void> {
  if (!disk.windows) return disk.syncDir(dirname(path))
  const file = await disk.open(path, 'edit')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Removes what interrupted saves left in a folder. Only for the one process that saves there. */
export async function sweepTemps(disk: Disk, dir: string): Promise<void> {
  for (const entry of (await disk.list(dir)) ?? []) {
    if (entry.kind === 'file' && entry.name.startsWith(tempMark)) await disk.unlink(join(dir, entry.name))
  }
}

/** The whole content, or null when no such file is there. A fault `too-many` when it is larger than `maxBytes`. */
export async function readFile(disk: Disk, path: string, maxBytes: number): Promise<Buffer | null> {
  const file = await disk.open(path, 'read').catch((error: unknown) => {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null
    throw error
  })
  if (file === null) return null
  try {
    // One byte more than it claims to have shows a file that grows under our eyes.
    const size = (await file.stat()).size
    let into = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1)
    let length = 0
    for (;;) {
      const got = await file.read(into.subarray(length), length)
      if (got === 0) return into.subarray(0, length)
      length += got
      if (length > maxBytes)
        throw new Fault('too-many', `${basename(path)} is larger than ${inUnits(maxBytes)}: ${path}.`, {
          path,
        })
      if (length === into.length) into = Buffer.concat([into], Math.min(2 * length, maxBytes + 1))
    }
  } finally {
    await file.close()
  }
}
