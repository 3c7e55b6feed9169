/**
 * Backups: what an apply replaces or removes, as tar files that any tool can open (S36).
 * Always holds: a file named `<time>-<number>.tar` is complete and durable; numbers only grow, so that the
 * order survives a jumping clock; the newest one is never pruned.
 */
import { type Pack, pack } from 'tar-stream'
import { assert } from '../../schemas/fault.ts'
import { backupBytesMax, backupsMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { settleName, tempMark } from '../disk/save.ts'
import { makeDirs } from '../disk/tree.ts'
import { digestOf } from './digest.ts'
import { execOf, type Seen, same } from './mark.ts'
import type { Site } from './site.ts'

/** `at` is where the file lies; `from` what it must still be (null: whatever it is). */
export type Item = { readonly path: HomePath; readonly at: string; readonly from: Seen | null }
/** `moved`: that file is not what it was; nothing was kept. */
export type Backed = { readonly file: string } | { readonly moved: HomePath }

type Kept = { readonly file: string; readonly order: number }
const form = /^\d{8}T\d{6}Z-(\d{6,})\.tar$/

/** Finished backups, oldest first. */
export async function listBackups(site: Site): Promise<Kept[]> {
  const found: Kept[] = []
  for (const { name } of (await site.disk.list(site.backups)) ?? []) {
    const order = form.exec(name)?.[1]
    if (order !== undefined) found.push({ file: `${site.backups}/${name}`, order: Number(order) })
  }
  return found.sort((a, b) => a.order - b.order)
}

/** Writes one backup with all items. Durable on return. */
export async function backUp(site: Site, items: readonly Item[]): Promise<Backed> {
  const { disk } = site
  await makeDirs(disk, site.backups, 0o700)
  const order = ((await listBackups(site)).at(-1)?.order ?? 0) + 1
  const time = new Date(site.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '')
  const file = `${site.backups}/${time}-${String(order).padStart(6, '0')}.tar`
  const temp = `${site.backups}/${tempMark}${site.ids.name()}`
  const out = await disk.open(temp, 'create', 0o600)
  let whole = false
  try {
    const moved = await writeTar(disk, out, items)
    if (moved !== null) return { moved }
    await out.sync()
    whole = true
  } finally {
    await out.close()
    if (!whole) await disk.unlink(temp)
  }
  await disk.rename(temp, file)
  await settleName(disk, file)
  return { file }
}

/** Removes the oldest backups beyond the bounds. */
export async function pruneBackups(site: Site): Promise<void> {
  const newestFirst = (await listBackups(site)).reverse()
  let bytes = 0
  for (const [index, { file }] of newestFirst.entries()) {
    bytes += (await site.disk.stat(file))?.size ?? 0
    if (index > 0 && (index >= backupsMax || bytes > backupBytesMax)) await site.disk.unlink(file)
  }
}

/** Returns the first item that is not what it was, or null. */
async function writeTar(disk: Disk, out: DiskFile, items: readonly Item[]): Promise<HomePath | null> {
  const tar = pack()
  let refused: unknown = null
  const drained = drain(tar, out, (error) => {
    refused = error
  })
  // Awaited below; until then a failure has no one else to tell.
  drained.catch(() => undefined)
  try {
    for (const item of items) if (!(await addItem(disk, tar, item))) return item.path
    tar.finalize()
    await drained
    return null
  } catch (error) {
    // A disk that refuses to write stops the items too: its fault is the cause, theirs the consequence.
    throw refused ?? error
  } finally {
    tar.destroy()
    await drained.catch(() => undefined)
  }
}

/** Carries the packed bytes to the disk. */
async function drain(tar: Pack, out: DiskFile, onRefused: (error: unknown) => void): Promise<void> {
  let at = 0
  for await (const piece of tar) {
    assert(piece instanceof Uint8Array, 'a tar is made of bytes')
    try {
      await out.write([piece], at)
    } catch (error) {
      onRefused(error)
      throw error
    }
    at += piece.length
  }
}

async function addItem(disk: Disk, tar: Pack, { path, at, from }: Item): Promise<boolean> {
  const stat = await disk.stat(at)
  if (stat?.kind !== 'file') return false
  const { size, mode } = stat
  const entry = tar.entry({ name: path, type: 'file', size, mode, mtime: new Date(stat.mtimeMs) })
  let failure: unknown = null
  entry.on('error', (error) => {
    failure = error
  })
  const closed = new Promise<void>((resolve) => entry.once('close', resolve))
  let bytes = 0
  const digest = await digestOf(disk, at, async (piece) => {
    bytes += piece.length
    if (bytes > size || entry.destroyed || entry.write(piece)) return
    await Promise.race([closed, new Promise<void>((resolve) => entry.once('drain', resolve))])
  })
  // It grew, shrank or went meanwhile.
  if (digest === null || bytes !== size) return false
  entry.end(() => undefined)
  await closed
  if (failure !== null) throw failure
  return from === null || same({ exec: execOf(digest.stat.mode, !disk.windows), hash: digest.hash }, from)
}
