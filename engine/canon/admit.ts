/**
 * Which of the files found may be canonical together: no two paths are one file on any system (T16), and no
 * more than `filesMax` in all.
 * Always holds: `admitted` and `kept` together are a tree that the log accepts; a path that is canonical now is
 * never pushed out by a new one; among new ones the first in order wins.
 */
import { filesMax } from '../../schemas/limits.ts'
import { ancestors, foldName, type HomePath } from '../../schemas/path.ts'
import { Names } from '../fold/names.ts'

export type Admission = {
  readonly admitted: ReadonlySet<HomePath>
  /** Canonical paths that stay as they are. */
  readonly kept: ReadonlySet<HomePath>
  /** `why` completes "cannot travel: …"; null stands for the limit on files. */
  readonly refused: readonly { readonly path: HomePath; readonly why: string | null }[]
}

/** The paths that are canonical now, plain and secret. */
export type Canonical = Pick<ReadonlySet<HomePath>, 'has' | 'keys'>

/**
 * @param found in byte order.
 * @param troubles paths that could not be read: what is canonical at or below them stays.
 * @param limit on files, for tests.
 */
export function admit(
  found: readonly HomePath[],
  troubles: ReadonlySet<string>,
  previous: Canonical,
  limit = filesMax,
): Admission {
  const keys = new Set([...troubles].map(foldName))
  const all = new Set(found)
  // The usual case: without a new path this is a part of a tree that the log holds already.
  if (found.every((path) => previous.has(path)))
    return { admitted: all, kept: keptBy(keys, all, previous), refused: [] }
  for (;;) {
    const kept = keptBy(keys, all, previous)
    const names = new Names()
    for (const path of kept) names.add(path)
    const admitted = new Set<HomePath>()
    const refused: { path: HomePath; why: string | null }[] = []
    const consider = (path: HomePath) => {
      const why = names.fault(path)
      if (why !== null) refused.push({ path, why })
      else if (admitted.size + kept.size >= limit) refused.push({ path, why: null })
      else {
        names.add(path)
        admitted.add(path)
      }
    }
    for (const path of found) if (previous.has(path) && !kept.has(path)) consider(path)
    for (const path of found) if (!previous.has(path)) consider(path)
    // A refused path may be a canonical one under a new spelling, which then stays under the old one.
    const before = keys.size
    for (const { path } of refused) keys.add(foldName(path))
    if (keys.size === before) return { admitted, kept, refused }
  }
}

/** Canonical paths at or below a path in trouble, unless that very path was found whole. */
function keptBy(keys: ReadonlySet<string>, found: ReadonlySet<HomePath>, previous: Canonical): Set<HomePath> {
  const kept = new Set<HomePath>()
  if (keys.size === 0) return kept
  for (const path of previous.keys()) {
    if (found.has(path)) continue
    const folded = foldName(path)
    if (keys.has(folded) || ancestors(folded).some((folder) => keys.has(folder))) kept.add(path)
  }
  return kept
}
