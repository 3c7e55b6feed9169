/**
 * The copied package in use: what is to start a script of ours later names it where it stays.
 * Always holds: the copy is there before anything names it, and is removed only when nothing does any more.
 */
import { join } from 'node:path'
import { hooksPath } from '../../engine/compose/kind.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { readFile } from '../../engine/disk/save.ts'
import { Fault } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import { serviceFileBytesMax } from '../../schemas/limits-cli.ts'
import type { Context } from '../context.ts'
import { thisPlatform } from '../name.ts'
import { shimName } from '../shim/script.ts'
import { appFolder, appScript, dropPackage, keepPackage, namesCopy, perishable } from './package.ts'

/** Where a script of ours will be found later: in the copy, when it lies in a cache now. Pure. */
export function lasting(stemmaHome: string, script: string): string {
  const cached = perishable(script)
  return cached ? appScript(stemmaHome, cached.script) : script
}

/**
 * Makes the copy that `lasting` names, and says so. @param isAnew one of another version makes way, as people ask for by an
 * install.
 */
export async function keepLasting(
  { ids, homes: { stemmaHome }, out, json }: Context,
  disk: Disk,
  script: string,
  isAnew: boolean,
): Promise<void> {
  const cached = perishable(script)
  if (!cached) return
  const isThere = (await disk.stat(lasting(stemmaHome, script))) !== null
  const manifest = (modules: string) =>
    readFile(disk, join(modules, 'stemma', 'package.json'), serviceFileBytesMax)
  const isSame = async () => {
    const [here, kept] = [
      await manifest(cached.modules),
      await manifest(join(appFolder(stemmaHome), 'node_modules')),
    ]
    return String(here) === String(kept)
  }
  if (isThere && (!isAnew || (await isSame()))) return
  await keepPackage(disk, ids, stemmaHome, cached.modules)
  if (!json) out.flow(0, 'stemma was copied to ', appFolder(stemmaHome), ', since npx clears its cache.')
}

/**
 * Removes the copied package, unless a hook, the shim or a launcher starts something out of it.
 * @param going a file that is about to be removed. @returns the folder when it stays.
 */
export async function letPackageGo(
  { homes }: Pick<Context, 'homes'>,
  disk: Disk,
  going: string | null = null,
): Promise<string | null> {
  const { stemmaHome, codexHome } = homes
  const app = appFolder(stemmaHome)
  const users = [
    `${codexHome}/${hooksPath}`,
    join(stemmaHome, 'bin', shimName(thisPlatform())),
    ...['stemma', 'stemma.cmd'].map((name) => join(stemmaHome, 'service', name)),
  ].filter((path) => path !== going)
  for (const path of (await disk.stat(app)) === null ? [] : users) if (await isUser(disk, path)) return app
  await dropPackage(disk, stemmaHome)
  return null
}

/** What cannot be read may be one. */
async function isUser(disk: Disk, path: string): Promise<boolean> {
  try {
    return namesCopy((await readFile(disk, path, secretBytesMax))?.toString() ?? '')
  } catch (error) {
    if (error instanceof Fault) return true
    throw error
  }
}
