/**
 * The last look before a name is changed: is the folder that is about to change really the one below the home?
 * Always holds: one call decides it, so that between it and the change lies no other call of ours. Node knows
 * no openat; what moves a folder within that one system call is not seen.
 */
import { foldName } from '../../schemas/path.ts'
import type { Site } from './site.ts'

/** A transaction at work. `root` is the home with every symlink resolved: only the home itself may be one. */
export type Work = { readonly site: Site; readonly root: string; readonly tx: string }

export async function startWork(site: Site, tx: string): Promise<Work> {
  return { site, root: (await site.disk.realPath(site.home)) ?? site.home, tx }
}

/** False when the folder of `path` is missing, or is reached through a symlink. */
export async function isOurGround({ site, root }: Work, path: string): Promise<boolean> {
  const end = path.lastIndexOf('/')
  const folder = end === -1 ? '' : path.slice(0, end)
  const real = await site.disk.realPath(folder === '' ? site.home : `${site.home}/${folder}`)
  if (real === null) return false
  const parts = (text: string) => foldIf(site.disk.foldsNames, text.replaceAll('\\', '/').replace(/\/+$/, ''))
  return parts(real) === parts(folder === '' ? root : `${root}/${folder}`)
}

const foldIf = (folds: boolean, text: string): string => (folds ? foldName(text) : text)
