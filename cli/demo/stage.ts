/**
 * Where the demo plays: a scratch folder below the system's temporary one, and the children that work in it.
 * Always holds: when `onStage` returns or throws no child is left, and, unless the folder is to be kept, neither
 * is the folder nor a socket of it.
 */
import { tmpdir } from 'node:os'
import type { Disk } from '../../engine/disk/disk.ts'
import { removeTree } from '../../engine/disk/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import { findPlace } from '../../transport/control/place.ts'
import type { Context } from '../context.ts'
import { Children } from './child.ts'

export type Stage = {
  readonly context: Context
  readonly disk: Disk
  readonly folder: string
  readonly children: Children
}

export async function onStage<T>(
  context: Context,
  keep: boolean,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { clock, signal } = context
  const disk = await context.openDisk()
  const folder = await makeScratch(context, disk)
  const children = new Children({ clock, signal })
  try {
    return await work({ context, disk, folder, children })
  } finally {
    await children.close()
    await removeSockets(context, disk, folder)
    if (keep) context.err.line('The scratch folder is kept: ', folder)
    else await removeTree(disk, folder)
  }
}

/** A new folder for nobody else; its path has no symlink in it. */
async function makeScratch({ ids }: Context, disk: Disk): Promise<string> {
  const above = await disk.realPath(tmpdir())
  if (above === null)
    throw new Fault('disk-missing', `There is no folder for temporary files at ${tmpdir()}.`)
  // Short, so that the sockets below fit where paths of sockets must be short.
  const folder = `${above}/stemma-demo-${ids.name().slice(0, 6)}`
  if (!(await disk.makeDir(folder, 0o700))) throw new Fault('disk-busy', `${folder} is in use.`)
  return folder
}

/** Below a long path a machine's sockets lie elsewhere, in a folder of their own. */
async function removeSockets({ uid }: Context, disk: Disk, folder: string): Promise<void> {
  for (const { name } of (await disk.list(folder)) ?? []) {
    const place = await findPlace(disk, stemmaHomeOf(folder, name), uid)
    if (place?.kind === 'folder' && place.shared) await removeTree(disk, place.folder)
  }
}

export const stemmaHomeOf = (folder: string, machine: string): string => `${folder}/${machine}/.stemma`
