/**
 * stemma's own package, kept in `<STEMMA_HOME>/app` when it would not stay where it is: npx runs it out of a cache.
 * Always holds: the copy is whole and durable before it takes the place of an older one (a kill at that very moment leaves
 * none there, and both beside it, to be cleared away by the next install); npm's links to commands are left out, and
 * nothing else.
 */
import { join } from 'node:path'
import { decodeCommand } from '../../engine/compose/hooks.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { readFile, settleName } from '../../engine/disk/save.ts'
import { makeDirs, removeTree } from '../../engine/disk/tree.ts'
import type { Ids } from '../../engine/env/ids.ts'
import { Fault } from '../../schemas/fault.ts'
import { packageBytesMax, packageFilesMax } from '../../schemas/limits-cli.ts'

/** What npm calls a package in its cache of packages that were run: `…/_npx/<hash>/node_modules/stemma`. */
const cacheForm = /^(.*[\\/]_npx[\\/][^\\/]+[\\/]node_modules)[\\/](.+)$/

/** The folder to copy, and the script in it; null for an installation that stays. Pure. */
export function perishable(script: string): { readonly modules: string; readonly script: string } | null {
  const [, modules, inside] = cacheForm.exec(script) ?? []
  return modules === undefined || inside === undefined ? null : { modules, script: inside }
}

export const appFolder = (stemmaHome: string): string => join(stemmaHome, 'app')
/** Where the script of a copied package lies. */
export const appScript = (stemmaHome: string, inside: string): string =>
  join(appFolder(stemmaHome), 'node_modules', inside)

/** A script of a copied package, however a hook quotes it. */
const copyForm = /[\\/]app[\\/]+node_modules[\\/]+stemma[\\/]/

/** Does this text, a hooks.json or a shim, start a script out of a copied package? Pure. */
export function namesCopy(text: string): boolean {
  const encoded = [...text.matchAll(/ -EncodedCommand [A-Za-z0-9+/=]+/g)].map(([said]) => decodeCommand(said))
  return [text, ...encoded].some((one) => one !== null && copyForm.test(one))
}

/** Copies the packages of a cache to where they stay. */
export async function keepPackage(disk: Disk, ids: Ids, stemmaHome: string, modules: string): Promise<void> {
  const app = appFolder(stemmaHome)
  const [next, last] = [`${app}.next-${ids.name()}`, `${app}.last-${ids.name()}`]
  await sweep(disk, stemmaHome)
  await makeDirs(disk, join(next, 'node_modules'), 0o700)
  let room = { bytes: packageBytesMax, files: packageFilesMax }
  const copy = async (from: string, to: string): Promise<void> => {
    const entries = await disk.list(from)
    if (entries === null) throw new Fault('disk-missing', `${from} was removed while it was copied.`)
    for (const { name, kind } of entries) {
      const [source, target] = [join(from, name), join(to, name)]
      if (kind === 'folder') {
        await disk.makeDir(target, 0o700)
        await copy(source, target)
      } else if (kind === 'file') {
        const bytes = await readFile(disk, source, room.bytes)
        if (bytes === null) throw new Fault('disk-missing', `${source} was removed while it was copied.`)
        room = { bytes: room.bytes - bytes.length, files: room.files - 1 }
        if (room.files < 0)
          throw new Fault('too-many', `There are more than ${packageFilesMax} files in ${modules}.`)
        await write(disk, target, bytes)
      }
    }
    await disk.syncDir(to)
  }
  await copy(modules, join(next, 'node_modules'))
  await disk.syncDir(next)
  const isUpgrade = (await disk.stat(app)) !== null
  if (isUpgrade && !(await isOwn(disk, stemmaHome))) {
    await removeTree(disk, next)
    throw new Fault('not-ours', `${app} is no package of stemma, and would have to make way for one.`, {
      path: app,
    })
  }
  if (isUpgrade) await disk.rename(app, last)
  try {
    await disk.rename(next, app)
  } catch (error) {
    // A service that runs out of the last one finds it where it was.
    if (isUpgrade) await disk.rename(last, app)
    throw error
  }
  if (!disk.windows) await settleName(disk, app)
  await removeTree(disk, last)
}

export async function dropPackage(disk: Disk, stemmaHome: string): Promise<void> {
  await sweep(disk, stemmaHome)
  if (await isOwn(disk, stemmaHome)) await removeTree(disk, appFolder(stemmaHome))
}

/** A STEMMA_HOME may be a folder that had an `app` of another kind before. */
async function isOwn(disk: Disk, stemmaHome: string): Promise<boolean> {
  const app = appFolder(stemmaHome)
  const entries = await disk.list(app)
  const stemma = await disk.stat(join(app, 'node_modules', 'stemma'))
  return entries?.every(({ name }) => name === 'node_modules') === true && stemma?.kind === 'folder'
}

/** What a copy that was cut off left behind. */
async function sweep(disk: Disk, stemmaHome: string): Promise<void> {
  for (const { name } of (await disk.list(stemmaHome)) ?? [])
    if (/^app\.(?:next|last)-/.test(name)) await removeTree(disk, join(stemmaHome, name))
}

async function write(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'create', 0o600)
  try {
    await file.write([bytes], 0)
    await file.sync()
  } finally {
    await file.close()
  }
}
