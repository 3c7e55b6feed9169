/**
 * Folders with everything above or below them.
 * Always holds: no symlink is followed below the named path; after `makeDirs` returns the folder is durable.
 */
import { dirname, join } from 'node:path'
import type { Disk } from './disk.ts'
import { diskFault, errnoOf } from './errno.ts'

/**
 * Makes a folder and what is missing above it. Each name is durable before the next one is made below it, so
 * of the folders that were there already only the lowest can lack its name (the run that made it was killed):
 * that one is synced as well.
 */
export async function makeDirs(disk: Disk, path: string, permissions = 0o777): Promise<void> {
  const above = dirname(path)
  // A link above is somebody's arrangement: the system follows it, and nothing is to be made there.
  if ((await disk.stat(path)) === null && (await disk.stat(above))?.kind !== 'link')
    await makeDirs(disk, above, permissions)
  const made = await disk.makeDir(path, permissions)
  try {
    await disk.syncDir(above)
  } catch (error) {
    // A folder above that we may not even read (/home on some machines): what stands in it is not our work.
    if (made || errnoOf(error) !== 'EACCES') throw error
  }
}

/** Removes a file, a link, or a folder with all that is in it. What is not there is no failure. Not made durable. */
export async function removeTree(disk: Disk, path: string): Promise<void> {
  const stat = await disk.stat(path)
  if (stat === null) return
  if (stat.kind !== 'folder') return void (await disk.unlink(path))
  await removeFolder(disk, path)
}

async function removeFolder(disk: Disk, path: string): Promise<void> {
  for (const entry of (await disk.list(path)) ?? []) {
    const below = join(path, entry.name)
    if (entry.kind === 'folder') await removeFolder(disk, below)
    else await disk.unlink(below)
  }
  // False with something still there: another process put it in meanwhile.
  if (!(await disk.removeDir(path)) && (await disk.stat(path)) !== null)
    throw diskFault('ENOTEMPTY', 'removeDir', path)
}
