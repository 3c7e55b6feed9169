/**
 * Whether what a look at the home no longer finds may be published as removed, or has to wait for a person: a wrong
 * CODEX_HOME, an unmounted disk, a folder emptied by accident would otherwise empty every follower. As `maxDelete` of
 * rclone and the empty root of Unison it judges by how much is gone at once. Pure.
 * Always holds: what a selection leaves out, what could not be looked at, and what only moved is not gone.
 */
import { Fault } from '../../schemas/fault.ts'
import { lossFilesMin, lossNamesMax, lossWindowMs } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { CanonFiles } from '../fold/file.ts'
import { classify } from './classify.ts'
import type { PlainSecret } from './scan.ts'
import type { Selection } from './selection.ts'

/** Counts of canonical paths: that were there, that are gone of them, and that the home has now. */
export type Loss = { readonly before: number; readonly gone: number; readonly now: number }

/**
 * - everything is gone, and nothing (or, where two or more were there, nothing of it) is left;
 * - of `lossFilesMin` or more, more than half.
 */
export function isTooMuch({ before, gone, now }: Loss): boolean {
  if (gone === 0) return false
  if (gone >= before) return now === 0 || before > 1
  return before >= lossFilesMin && gone * 2 > before
}

export type LossInput = {
  readonly files: CanonFiles
  readonly secrets: ReadonlySet<HomePath>
  readonly selection: Selection
  readonly found: {
    readonly files: CanonFiles
    readonly secrets: readonly Pick<PlainSecret, 'path'>[]
    readonly kept: ReadonlySet<HomePath>
  }
}

/** What should be in the home (a count), what of it is gone, and what is there now. */
export type Lost = {
  readonly before: number
  readonly gone: readonly HomePath[]
  readonly here: ReadonlySet<HomePath>
}

export function lossOf({ files, secrets, selection, found }: LossInput): Lost {
  const travels = (path: HomePath): boolean => {
    const { kind } = classify(path, selection)
    return kind === 'plain' || kind === 'sealed'
  }
  const here = new Set<HomePath>([
    ...found.files.keys(),
    ...found.secrets.map(({ path }) => path),
    ...found.kept,
  ])
  const expected = [...files.keys(), ...secrets].filter(travels)
  const missing = expected.filter((path) => !here.has(path))
  const moved = missing.length === 0 ? new Map<Hash, number>() : newContents(files, found.files)
  const gone = missing.filter((path) => !takeOne(moved, files.get(path)?.blob))
  return { before: expected.length, gone, here }
}

/** A file under a new name is that of one that went, and not of all that said the same. */
function takeOne(moved: Map<Hash, number>, blob: Hash | undefined): boolean {
  const left = blob && moved.get(blob)
  if (!blob || !left) return false
  moved.set(blob, left - 1)
  return true
}

/** Contents under names that are new, and how many have each. */
function newContents(before: CanonFiles, now: CanonFiles): Map<Hash, number> {
  const found = new Map<Hash, number>()
  for (const [path, { blob }] of now) if (!before.has(path)) found.set(blob, (found.get(blob) ?? 0) + 1)
  return found
}

/**
 * Remembers what went within `lossWindowMs`: a slow removal is seen in parts, by one look after the other. What has come
 * back since is no loss, however often it goes.
 */
export class LossGuard {
  #recent: ReadonlyMap<HomePath, number> = new Map()
  #isPermitted = false

  /** A person has said that what is gone went on purpose: the next look publishes it, unless it is forbidden before. */
  permit(): void {
    this.#isPermitted = true
  }

  forbid(): void {
    this.#isPermitted = false
  }

  /**
   * Asked before what was found is published.
   * @throws Fault `files-gone` when too much is.
   */
  judge(home: string, { before, gone, here }: Lost, nowMs: number): void {
    const isPermitted = this.#isPermitted
    this.#isPermitted = false
    const isRecent = ([path, atMs]: [HomePath, number]) => nowMs - atMs < lossWindowMs && !here.has(path)
    const recent = new Map(isPermitted ? [] : [...this.#recent].filter(isRecent))
    const all = new Set([...recent.keys(), ...gone]).size
    const loss = { before: before + all - gone.length, gone: all, now: here.size }
    if (!isPermitted && gone.length > 0 && isTooMuch(loss)) throw filesGone(home, loss, gone)
    if (!isPermitted) for (const path of gone) recent.set(path, nowMs)
    this.#recent = recent
  }
}

function filesGone(home: string, { before, gone, now }: Loss, paths: readonly HomePath[]): Fault {
  const names = paths.slice(0, lossNamesMax)
  const more = gone - names.length
  const which = `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  const what =
    now === 0
      ? `No canonical file is left in ${home}`
      : `${gone} of ${before} canonical files are gone from ${home}`
  return new Fault(
    'files-gone',
    `${what} (gone: ${which}). Nothing is published until a person has looked at it.`,
    {
      home,
      before,
      gone,
      now,
    },
  )
}
