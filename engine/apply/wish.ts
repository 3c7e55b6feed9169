/**
 * What the home should hold, as of one look at it. Most of it is canonical as it is; some files are composed from
 * what is canonical and what lies there (config.toml), so they have to be wished for anew after every change.
 * Always holds: a composed file names what it was composed from, and is written over nothing else; a path that is
 * spared is neither written nor removed.
 */
import type { HomePath } from '../../schemas/path.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { CanonFiles } from '../fold/file.ts'
import type { Take } from './decide.ts'
import type { View } from './observe.ts'
import type { Takes } from './plan.ts'

/** Where contents come from, by hash. A fault `blob-damaged` at the end of one that is not what its hash says. */
export type Contents = { read(hash: Hash): AsyncIterable<Uint8Array> | Iterable<Uint8Array> }

export type Wish = {
  readonly files: CanonFiles
  readonly contents: Contents
  /** Composed paths, with the hash of what lay there when they were composed; null for nothing. */
  readonly composed: ReadonlyMap<HomePath, Hash | null>
  /** Paths that are left as they are, whatever is wished for: nobody knows now what they should hold. */
  readonly spares: (path: HomePath) => boolean
  /** Done before anything is changed by this wish. */
  readonly prepare: () => Promise<void>
}
export type Wishes = () => Promise<Wish>

/** Canonical files as they are. */
export const plainly = (files: CanonFiles, contents: Contents): Wish => ({
  files,
  contents,
  composed: new Map(),
  spares: () => false,
  prepare: async () => undefined,
})

/** Did a composed file change between the two looks? */
export function isStale(wish: Wish, view: View): boolean {
  for (const [path, basis] of wish.composed) {
    const spot = view.spots.get(path)
    if (spot?.kind === 'file' ? spot.hash !== basis : spot?.kind === 'absent' && basis !== null) return true
  }
  return false
}

/** What was composed has what lies there in it already; for the rest the caller's word counts. */
export function takeOf(wish: Wish, takes: Takes, path: HomePath): Take | null {
  if (wish.composed.has(path)) return 'canonical'
  return typeof takes === 'string' ? takes : (takes?.get(path) ?? null)
}
