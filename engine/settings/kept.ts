/**
 * The Codex home that a stemma folder keeps: `home` in its local.toml.
 * Always holds: homes are compared by where they really lie, so a symlink is the home that it leads to, and a home that
 * is away for a while is still the same one.
 */
import { basename, dirname, join, resolve } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { linkHopsMax } from '../../schemas/limits.ts'
import { foldName } from '../../schemas/path.ts'
import type { Local } from '../../schemas/settings.ts'
import type { Disk } from '../disk/disk.ts'
import type { Homes } from './homes.ts'

export type Eyes = Pick<Disk, 'foldsNames' | 'stat' | 'readLink' | 'realPath'>

/** @throws Fault `other-home`. A folder of an older version does not say which one it keeps. */
export async function mustKeep(disk: Eyes, homes: Homes, { home }: Local): Promise<void> {
  const { stemmaHome, codexHome } = homes
  if (home === undefined || (await isSameHome(disk, home, codexHome))) return
  throw new Fault('other-home', `${stemmaHome} keeps the Codex home ${home}, not ${codexHome}.`, {
    stemmaHome,
    home,
    given: codexHome,
  })
}

export async function isSameHome(disk: Eyes, one: string, other: string): Promise<boolean> {
  if (one === other) return true
  const [a, b] = [await realHome(disk, one), await realHome(disk, other)]
  return disk.foldsNames ? foldName(a) === foldName(b) : a === b
}

/** Where a home really lies. One that is not there (yet, or now) lies below the last folder of its path that is. */
export async function realHome(disk: Eyes, home: string, hops = linkHopsMax): Promise<string> {
  const real = await disk.realPath(home)
  const above = dirname(home)
  if (real !== null || above === home) return real ?? home
  const at = join(await realHome(disk, above, hops), basename(home))
  const leadsOn = hops > 0 && (await disk.stat(at))?.kind === 'link'
  return leadsOn ? realHome(disk, resolve(dirname(at), await disk.readLink(at)), hops - 1) : at
}
