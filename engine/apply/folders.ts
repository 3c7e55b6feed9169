/**
 * The folders that apply makes for its files, and takes away again.
 * Always holds: only a folder that we made is removed, and only when nothing is in it; nothing is made or
 * removed below a symlink.
 */
import type { Fault } from '../../schemas/fault.ts'
import { ancestors, type HomePath } from '../../schemas/path.ts'
import { byteOrder, errnoOf } from '../disk/errno.ts'
import { isOurGround, type Work } from './ground.ts'
import { lookAbove } from './observe.ts'
import { parentOf, syncFolder } from './settle.ts'
import type { Site } from './site.ts'
import { isLocal } from './swap.ts'

export type Made = {
  /** A folder that could not be made stops what belongs below it, nothing else. */
  readonly faults: ReadonlyMap<string, Fault>
  /** Folders that got a new name in them. */
  readonly touched: ReadonlySet<string>
}

/** @param folders outermost first. */
export async function makeFolders(work: Work, folders: readonly HomePath[]): Promise<Made> {
  const faults = new Map<string, Fault>()
  const touched = new Set<string>()
  const { site } = work
  for (const folder of folders) {
    try {
      // Not below a link or a file: the steps there will find out and say so.
      if (!(await isOurGround(work, folder))) continue
      await site.disk.makeDir(`${site.home}/${folder}`)
      touched.add(parentOf(folder))
    } catch (error) {
      // What was taken away meanwhile the steps will miss, and say so.
      if (errnoOf(error) === 'ENOENT') continue
      if (!isLocal(error)) throw error
      if ((await site.disk.stat(`${site.home}/${folder}`)) === null) faults.set(folder, error)
    }
  }
  return { faults, touched }
}

/** Removes folders of ours in which nothing of ours is left and nothing else is; returns those that stay ours. */
export async function dropFolders(
  site: Site,
  ours: Iterable<HomePath>,
  paths: Iterable<HomePath>,
): Promise<Set<HomePath>> {
  const inUse = new Set<string>()
  for (const path of paths) for (const folder of ancestors(path)) inUse.add(folder)
  const stay: HomePath[] = []
  const parents = new Set<string>()
  // Inner ones first: an outer one is empty only then.
  for (const folder of [...new Set(ours)].sort(byteOrder).reverse()) {
    if (inUse.has(folder)) stay.push(folder)
    else if (await removeFolder(site, folder)) parents.add(parentOf(folder))
  }
  for (const parent of parents) await settleRemoval(site, parent)
  return new Set(stay.reverse())
}

/** A folder that comes back empty after a power cut does no harm: only a failing disk counts. */
async function settleRemoval(site: Site, parent: string): Promise<void> {
  try {
    await syncFolder(site, parent)
  } catch (error) {
    if (!isLocal(error) && errnoOf(error) !== 'ENOENT') throw error
  }
}

async function removeFolder(site: Site, folder: HomePath): Promise<boolean> {
  try {
    if ((await lookAbove(site.disk, site.home, folder)) !== null) return false
    return await site.disk.removeDir(`${site.home}/${folder}`)
  } catch (error) {
    // An empty folder that cannot be removed does no harm; it is the user's from now on.
    if (isLocal(error)) return false
    throw error
  }
}
