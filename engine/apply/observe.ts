/**
 * Looks at the home, for exactly the paths that are canonical or were put there by us.
 * Always holds: no symlink is followed below the home; a file's hash is that of its bytes now, or of a look so
 * long after its last change that no later write can hide behind the same time stamps (racyWindowMs).
 */
import { Fault } from '../../schemas/fault.ts'
import { lookParallel, racyWindowMs } from '../../schemas/limits.ts'
import { foldName, type HomePath } from '../../schemas/path.ts'
import type { Disk, Stat } from '../disk/disk.ts'
import { counting } from '../env/progress.ts'
import type { Obstacle } from './decide.ts'
import { digestOf, sameStat } from './digest.ts'
import type { Ledger, Look } from './ledger.ts'
import { execOf, type Seen } from './mark.ts'
import { eachOf } from './pool.ts'
import { inHome, type Site } from './site.ts'

export type Spot =
  | { readonly kind: 'absent' }
  | ({
      readonly kind: 'file'
      readonly stat: Stat
      /** To be remembered; null while a later write could go unnoticed. */
      readonly look: Look | null
    } & Seen)
  /** `at` is what stands in the way: the path, a folder above it, or the name of its twin. */
  | { readonly kind: 'obstacle'; readonly obstacle: Obstacle; readonly at: string }
  | { readonly kind: 'unreadable'; readonly fault: Fault }

export type View = {
  readonly spots: ReadonlyMap<HomePath, Spot>
  /** Folders above the paths that are not there. */
  readonly missing: ReadonlySet<string>
}

export async function observe(site: Site, paths: Iterable<HomePath>, ledger: Ledger): Promise<View> {
  const { disk } = site
  const folders = new Folders(site)
  const spots = new Map<HomePath, Spot>()
  const all = [...paths]
  const count = counting(site.progress, 'compare', all.length)
  await eachOf(all, lookParallel, async (path) => {
    try {
      spots.set(path, await spotOf(path))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      spots.set(path, { kind: 'unreadable', fault: error })
    }
    count(1)
  })
  return { spots, missing: folders.missing }

  async function spotOf(path: HomePath): Promise<Spot> {
    const above = await folders.above(path)
    if (above !== null) return above
    const stat = await disk.stat(inHome(site, path))
    if (stat === null) return { kind: 'absent' }
    if (disk.foldsNames) {
      const name = await folders.nameOf(path)
      if (name !== null) return { kind: 'obstacle', obstacle: 'twin', at: name }
    }
    if (stat.kind === 'link') return { kind: 'obstacle', obstacle: 'linked', at: path }
    if (stat.kind !== 'file') return { kind: 'obstacle', obstacle: 'blocked', at: path }
    const known = ledger.rows.get(path)?.look
    if (known && sameStat(known, stat))
      return { kind: 'file', exec: execOf(stat.mode, !disk.windows), hash: known.hash, stat, look: known }
    return readSpot(path)
  }

  async function readSpot(path: HomePath): Promise<Spot> {
    const nowMs = site.clock.now()
    const digest = await digestOf(disk, inHome(site, path))
    if (digest === null) return { kind: 'absent' }
    const { hash, stat, still } = digest
    const { size, mtimeMs, ctimeMs, ino } = stat
    const settled = still && Math.max(mtimeMs, ctimeMs) + racyWindowMs < nowMs
    const look = settled ? { hash, size, mtimeMs, ctimeMs, ino } : null
    return { kind: 'file', exec: execOf(stat.mode, !disk.windows), hash, stat, look }
  }
}

/**
 * What is found at `path` when a folder above it stands in the way or is missing; null when all are folders.
 * Looks anew at every call.
 */
export async function lookAbove(disk: Disk, home: string, path: string): Promise<Spot | null> {
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const folder = path.slice(0, at)
    const spot = folderSpot(folder, await disk.stat(`${home}/${folder}`))
    if (spot !== null) return spot
  }
  return null
}

function folderSpot(folder: string, stat: Stat | null): Spot | null {
  if (stat === null) return { kind: 'absent' }
  if (stat.kind === 'folder') return null
  return { kind: 'obstacle', obstacle: stat.kind === 'link' ? 'linked' : 'blocked', at: folder }
}

/** Looks at each folder once: ten thousand files share a few hundred of them. */
class Folders {
  readonly missing = new Set<string>()
  readonly #site: Site
  readonly #spots = new Map<string, Promise<Spot | null>>()
  readonly #names = new Map<string, Promise<ReadonlyMap<string, string>>>()

  constructor(site: Site) {
    this.#site = site
  }

  /** As `lookAbove`. */
  above(path: string): Promise<Spot | null> {
    const end = path.lastIndexOf('/')
    if (end === -1) return Promise.resolve(null)
    const folder = path.slice(0, end)
    let spot = this.#spots.get(folder)
    if (!spot) {
      spot = this.#look(folder)
      this.#spots.set(folder, spot)
    }
    return spot
  }

  async #look(folder: string): Promise<Spot | null> {
    const above = await this.above(folder)
    const spot = above ?? folderSpot(folder, await this.#site.disk.stat(`${this.#site.home}/${folder}`))
    if (spot?.kind === 'absent') this.missing.add(folder)
    return spot
  }

  /** The name on disk by which `path` was found, when it is another one; Unicode form alone does not count. */
  async nameOf(path: string): Promise<string | null> {
    const end = path.lastIndexOf('/')
    const folder = path.slice(0, Math.max(end, 0))
    let names = this.#names.get(folder)
    if (!names) {
      names = this.#list(folder)
      this.#names.set(folder, names)
    }
    const name = path.slice(end + 1)
    const found = (await names).get(foldName(name))
    return found === undefined || found.normalize('NFC') === name ? null : found
  }

  /** Names as they are, by what they fold to. */
  async #list(folder: string): Promise<ReadonlyMap<string, string>> {
    const at = folder === '' ? this.#site.home : `${this.#site.home}/${folder}`
    const entries = (await this.#site.disk.list(at)) ?? []
    return new Map(entries.map(({ name }) => [foldName(name), name]))
  }
}
