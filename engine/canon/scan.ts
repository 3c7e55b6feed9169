/**
 * Looks at the whole home and says what its canonical files are now. The content of each new or changed one
 * is in the blob store when this returns.
 * Always holds: what could not be looked at stays as it was (`kept`), it is never taken for removed; `files` and
 * `kept` together are a tree that the log accepts; a home that is not there is a fault, not an empty one (and what an
 * empty one means is for `loss.ts` to judge).
 */
import { Fault } from '../../schemas/fault.ts'
import { filesMax, readsAtOnceMax, secretBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { Disk } from '../disk/disk.ts'
import { byteOrder, errnoOf } from '../disk/errno.ts'
import { readFile } from '../disk/save.ts'
import type { Clock } from '../env/clock.ts'
import { counting, type OnProgress } from '../env/progress.ts'
import type { CanonFile, CanonFiles } from '../fold/file.ts'
import { admit } from './admit.ts'
import { type IndexRow, readInto, sameStat } from './read.ts'
import { cannotRead, type Found, tooLarge, type Walk, type WalkInput, walk } from './walk.ts'
import type { Warning } from './warning.ts'

export type { CanonFile, CanonFiles } from '../fold/file.ts'
export type { Warning } from './warning.ts'

/** What the last scan saw, so that the next one reads only what changed. Kept in memory. */
export type ScanIndex = {
  readonly rows: ReadonlyMap<HomePath, IndexRow>
}
export const emptyIndex: ScanIndex = { rows: new Map() }

export type ScanInput = WalkInput & {
  readonly disk: Disk
  readonly blobs: Blobs
  readonly clock: Clock
  /** The canonical files of the log. */
  readonly previous: CanonFiles
  /** The canonical secrets of the log. */
  readonly previousSecrets: ReadonlySet<HomePath>
  readonly index: ScanIndex
  readonly progress?: OnProgress
}

/** A file that travels sealed: read into memory, never into the blob store. */
export type PlainSecret = {
  readonly path: HomePath
  /** Null on Windows, which has no executable bit: what the log says stays. */
  readonly exec: boolean | null
  readonly plain: Buffer
}

export type Scan = {
  /** In byte order. */
  readonly files: CanonFiles
  readonly secrets: readonly PlainSecret[]
  /** Plain and secret paths that stay as they are in the log. */
  readonly kept: ReadonlySet<HomePath>
  /** Not synced, and an include rule could change that; folders end with a slash. */
  readonly unlisted: readonly string[]
  readonly unlistedMore: number
  readonly warnings: readonly Warning[]
  readonly warningsMore: number
  /** Something changed under our eyes: look again soon. */
  readonly again: boolean
  readonly index: ScanIndex
  /** How much was read to find this out. */
  readonly read: { readonly files: number; readonly bytes: number }
}

/** @throws Fault home-missing, a disk fault of the home folder itself, and whatever the blob store throws. */
export async function scan(input: ScanInput): Promise<Scan> {
  const { previous, previousSecrets, filesLimit = filesMax } = input
  const tour = await walk(input)
  const canonical = new Set<HomePath>([...previous.keys(), ...previousSecrets])
  const troubles = new Set<string>(tour.troubles)
  // What an early stop left unseen is not gone.
  if (tour.cut) for (const path of canonical) troubles.add(path)

  // Who may be canonical is settled before anything is read: what cannot travel is not stored.
  const first = admit(pathsOf(tour.found), troubles, canonical, filesLimit)
  for (const { path } of first.refused) troubles.add(path)
  const admitted = tour.found.filter(({ path }) => first.admitted.has(path))
  const { rows, files, read } = await readAll(
    input,
    tour,
    admitted.filter(({ secret }) => !secret),
    troubles,
  )
  const secrets = await readSecrets(
    input,
    tour,
    admitted.filter(({ secret }) => secret),
    troubles,
  )

  const all = [...files.keys(), ...secrets.keys()].sort(byteOrder)
  const second = admit(all, troubles, canonical, filesLimit)
  for (const { path } of second.refused) {
    files.delete(path)
    secrets.delete(path)
  }
  warnOf(tour, [...first.refused, ...second.refused], filesLimit)
  return {
    files,
    secrets: [...secrets.values()],
    kept: second.kept,
    unlisted: tour.unlisted,
    unlistedMore: tour.unlistedMore,
    warnings: tour.warnings.list,
    warningsMore: tour.warnings.more,
    again: tour.again,
    index: { rows },
    read,
  }
}

async function readAll(input: ScanInput, tour: Walk, admitted: readonly Found[], troubles: Set<string>) {
  const { disk, previous, index } = input
  const rows = new Map<HomePath, IndexRow>()
  const files = new Map<HomePath, CanonFile>()
  const read = { files: 0, bytes: 0 }
  const put = (path: HomePath, row: IndexRow, mode: number) => {
    // Windows has no executable bit: what the log says stays.
    const exec = disk.windows ? (previous.get(path)?.exec ?? false) : (mode & 0o111) !== 0
    files.set(path, { exec, size: row.size, blob: row.blob })
  }
  const changed: Found[] = []
  for (const found of admitted) {
    const row = index.rows.get(found.path)
    if (!row || row.racy || !sameStat(row, found.stat)) changed.push(found)
  }
  const bytes = changed.reduce((sum, { stat }) => sum + stat.size, 0)
  const count = counting(input.progress, 'read', changed.length, bytes)
  const readings = await inParallel(changed, readsAtOnceMax, async ({ path, at, stat }) => {
    input.signal?.throwIfAborted()
    const known = index.rows.get(path) ?? asGuess(previous.get(path))
    const reading = await readInto(input, at, known?.size === stat.size ? known.blob : undefined)
    count(1, stat.size)
    return reading
  })
  for (const found of admitted) {
    const { path } = found
    const reading = readings.get(found)
    if (reading === undefined) {
      const row = index.rows.get(path)
      if (row) put(path, row, found.stat.mode)
      if (row) rows.set(path, row)
      continue
    }
    if (reading.kind === 'read') {
      read.files++
      read.bytes += reading.row.size
      put(path, reading.row, reading.mode)
      if (reading.settled) rows.set(path, reading.row)
      else tour.again = true
      continue
    }
    troubles.add(path)
    if (reading.kind === 'gone') tour.again = true
    else if (reading.kind === 'too-large') tour.warnings.add('too-large', path, tooLarge(reading.size))
    else tour.warnings.add('unreadable', path, cannotRead(reading.errno))
  }
  return { rows, files, read }
}

/** Few and small: read at every look, and forgotten as soon as they are sealed. */
async function readSecrets(input: ScanInput, tour: Walk, found: readonly Found[], troubles: Set<string>) {
  const secrets = new Map<HomePath, PlainSecret>()
  for (const { path, at, stat } of found) {
    input.signal?.throwIfAborted()
    try {
      const plain = await readFile(input.disk, at, secretBytesMax)
      if (plain === null) {
        troubles.add(path)
        tour.again = true
      } else secrets.set(path, { path, exec: input.disk.windows ? null : (stat.mode & 0o111) !== 0, plain })
    } catch (error) {
      const errno = errnoOf(error)
      const tooMany = error instanceof Fault && error.code === 'too-many'
      if (errno === null && !tooMany) throw error
      troubles.add(path)
      if (tooMany) tour.warnings.add('too-large', path, tooLarge(secretBytesMax + 1, secretBytesMax))
      else tour.warnings.add('unreadable', path, cannotRead(errno ?? ''))
    }
  }
  return secrets
}

const asGuess = (file: CanonFile | undefined) => file && { size: file.size, blob: file.blob }
const pathsOf = (found: readonly Found[]): HomePath[] => found.map(({ path }) => path)

type Refused = { readonly path: HomePath; readonly why: string | null }

function warnOf(tour: Walk, refused: readonly Refused[], filesLimit: number): void {
  let beyond = tour.cut ? 1 : 0
  let first: HomePath | null = null
  for (const { path, why } of refused) {
    if (why !== null) tour.warnings.add('collision', path, `cannot travel: ${why}.`)
    else {
      beyond++
      first ??= path
    }
  }
  const example = first ?? tour.found.at(-1)?.path
  if (beyond > 0 && example !== undefined)
    tour.warnings.add('too-many', example, `and others stay out: a home has at most ${filesLimit} files.`)
}

/** Runs `act` over all items, at most `width` at a time; the first failure ends it once the running ones are done. */
async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  act: (item: T) => Promise<R>,
): Promise<Map<T, R>> {
  const results = new Map<T, R>()
  const rest = items.values()
  let failed = false
  const worker = async () => {
    for (const item of rest) {
      if (failed) return
      try {
        results.set(item, await act(item))
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const done = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, worker))
  for (const end of done) if (end.status === 'rejected') throw end.reason
  return results
}
