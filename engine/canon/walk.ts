/**
 * Walks a Codex home and finds what could travel, without reading any content.
 * Always holds: a folder that can hold nothing canonical is never entered (sessions/, packages/); whatever is
 * left out for a fault of its own is warned about and in `troubles`, so that it is not taken for removed.
 */
import { Fault } from '../../schemas/fault.ts'
import { fileBytesMax, filesMax, secretBytesMax, warningsMax } from '../../schemas/limits.ts'
import { type HomePath, isHomePath, pathFault } from '../../schemas/path.ts'
import type { DirEntry, Stat } from '../disk/disk.ts'
import { byteOrder, errnoOf } from '../disk/errno.ts'
import { type Class, classify, mayContain } from './classify.ts'
import { below, resolveLink, slashed } from './link.ts'
import type { Eyes, Recall } from './recall.ts'
import type { Selection } from './selection.ts'
import { Warnings } from './warning.ts'

/** A file that could travel. `at` is where its bytes are, with links resolved; `secret`: only sealed. */
export type Found = {
  readonly path: HomePath
  readonly at: string
  readonly stat: Stat
  readonly secret: boolean
}

/** A folder on the way. `path` is its name in the log ('' for the home). */
export type Folder = {
  readonly path: string
  readonly at: string
  /** Below a followed link: the folder that it led to, which nothing further may lead out of. */
  readonly fence: string | null
}

export type Walk = {
  /** In byte order of the paths. */
  readonly found: Found[]
  readonly troubles: Set<string>
  readonly unlisted: string[]
  unlistedMore: number
  readonly warnings: Warnings
  /** Something moved while we looked: look again soon. */
  again: boolean
  /** More files than a home may have: the walk stopped early. */
  cut: boolean
}

export type WalkInput = {
  readonly disk: Eyes
  /** What earlier walks saw of folders in which nothing has changed since. */
  readonly recall?: Recall
  readonly home: string
  readonly selection: Selection
  /** Folders that are never read, however they are reached (stemma's own). */
  readonly fences?: readonly string[]
  /** More files than this are a mistake, not a home. `filesMax` but in tests. */
  readonly filesLimit?: number
  /** Called now and then on a long walk, so that the caller can let others run. */
  readonly breathe?: () => Promise<void>
  readonly signal?: AbortSignal
}
export type Tour = WalkInput & Walk & { readonly root: string }

const breatheEvery = 512

/** @throws Fault home-missing or disk-denied when there is no home to walk. */
export async function walk(input: WalkInput): Promise<Walk> {
  const { disk, home } = input
  const root = await disk.realPath(home)
  const stat = root === null ? null : await disk.stat(root)
  if (root === null || stat?.kind !== 'folder') throw missing(home)
  input.recall?.begin(`${root}\0${stat.ino}`)
  const fences: string[] = []
  for (const fence of input.fences ?? []) {
    const real = await disk.realPath(fence)
    if (real !== null) fences.push(slashed(disk, real))
  }
  const tour: Tour = {
    ...input,
    disk: input.recall?.over(disk) ?? disk,
    fences,
    root: slashed(disk, root),
    found: [],
    troubles: new Set(),
    unlisted: [],
    unlistedMore: 0,
    warnings: new Warnings(),
    again: false,
    cut: false,
  }
  let seen = 0
  let level: Folder[] = [{ path: '', at: tour.root, fence: null }]
  while (level.length > 0 && !tour.cut) {
    const next: Folder[] = []
    for (const folder of level) {
      input.signal?.throwIfAborted()
      for (const entry of await entriesOf(tour, folder)) {
        await visit(tour, folder, entry, next)
        if (++seen % breatheEvery === 0) await input.breathe?.()
      }
      if (tour.found.length > (input.filesLimit ?? filesMax)) tour.cut = true
      if (tour.cut) break
    }
    level = next
  }
  tour.found.sort((a, b) => byteOrder(a.path, b.path))
  return tour
}

async function entriesOf(tour: Tour, folder: Folder): Promise<readonly DirEntry[]> {
  const isHome = folder.path === ''
  try {
    const entries = await tour.disk.list(folder.at)
    if (entries === null) {
      if (isHome) throw missing(tour.home)
      moved(tour, folder.path)
      return []
    }
    return entries
  } catch (error) {
    if (isHome) throw error
    unreadable(tour, folder.path, error)
    return []
  }
}

async function visit(tour: Tour, folder: Folder, entry: DirEntry, next: Folder[]): Promise<void> {
  const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`
  const at = `${folder.at}/${entry.name}`
  const found = classify(path, tour.selection)
  const walked = mayContain(path, tour.selection)
  const travels = found.kind === 'plain' || found.kind === 'sealed'
  if (entry.kind === 'folder' ? !walked : !travels && !(entry.kind === 'link' && walked))
    return note(tour, found, entry.kind === 'folder' ? `${path}/` : path)
  const fault = pathFault(path)
  if (fault !== null) return trouble(tour, 'bad-name', path, `cannot travel: as a path, ${fault}.`)
  switch (entry.kind) {
    case 'folder':
      return enter(tour, { path, at, fence: folder.fence }, next)
    case 'link':
      return follow(tour, folder, path, at, next)
    case 'file':
    case 'other':
      return take(tour, folder, path, at)
  }
}

/** What does not travel and could: kept in a list where `status` shows it. */
function note(tour: Tour, { kind }: Class, path: string): void {
  if (kind !== 'unlisted' && kind !== 'opt-in' && kind !== 'asked-only') return
  if (tour.unlisted.length < warningsMax) tour.unlisted.push(path)
  else tour.unlistedMore++
}

function enter(tour: Tour, folder: Folder, next: Folder[]): void {
  if (tour.fences?.some((fence) => below(fence, folder.at) !== null)) return
  // Below a link that stays in the home, the place itself has a say too: skills/.system/ stays out.
  const inner = folder.fence === null ? null : below(tour.root, folder.at)
  if (inner === null || mayContain(inner, tour.selection)) next.push(folder)
}

async function take(tour: Tour, folder: Folder, path: string, at: string): Promise<void> {
  const inner = folder.fence === null ? null : below(tour.root, at)
  if (inner !== null && classify(inner, tour.selection).kind !== classify(path, tour.selection).kind) return
  try {
    accept(tour, path, at, await tour.disk.stat(at))
  } catch (error) {
    unreadable(tour, path, error)
  }
}

async function follow(tour: Tour, folder: Folder, path: string, at: string, next: Folder[]): Promise<void> {
  try {
    const target = await resolveLink(tour, folder, path, at)
    switch (target.kind) {
      case 'file':
        return accept(tour, path, target.at, target.stat)
      case 'folder':
        return enter(tour, { path, at: target.at, fence: target.at }, next)
      case 'ignored':
        return
      case 'refused':
        return trouble(tour, target.warning, path, target.why)
    }
  } catch (error) {
    unreadable(tour, path, error)
  }
}

function accept(tour: Tour, path: string, at: string, stat: Stat | null): void {
  // A name that is not Unicode is listed with a replacement character, and then nothing is found under it.
  if (stat === null && path.includes('\ufffd'))
    trouble(tour, 'bad-name', path, 'cannot travel: its name is not valid Unicode.')
  else if (stat === null || stat.kind === 'folder' || stat.kind === 'link') moved(tour, path)
  else if (stat.kind === 'other')
    trouble(tour, 'not-a-file', path, 'cannot travel: it is a socket, a pipe or a device.')
  else if (isHomePath(path)) {
    const secret = classify(path, tour.selection).kind === 'sealed'
    const limit = secret ? secretBytesMax : fileBytesMax
    if (stat.size > limit) trouble(tour, 'too-large', path, tooLarge(stat.size, limit))
    else tour.found.push({ path, at, stat, secret })
  }
}

const MiB = 1024 * 1024
export const tooLarge = (size: number, limit = fileBytesMax): string =>
  `is too large to travel: ${Math.ceil(size / MiB)} MiB, where ${limit / MiB} are allowed.`

function trouble(tour: Tour, kind: Parameters<Warnings['add']>[0], path: string, rest: string): void {
  tour.troubles.add(path)
  tour.warnings.add(kind, path, rest)
}

/** Gone or replaced while we looked: not a removal yet, the next scan decides. */
function moved(tour: Tour, path: string): void {
  tour.troubles.add(path)
  tour.again = true
}

function unreadable(tour: Tour, path: string, error: unknown): void {
  const errno = errnoOf(error)
  if (errno === null) throw error
  trouble(tour, 'unreadable', path, cannotRead(errno))
}
export const cannotRead = (errno: string): string => `cannot be read (${errno}); it stays as it was.`

const missing = (home: string): Fault =>
  new Fault('home-missing', `There is no Codex home at ${home}.`, { home })
