/**
 * What to do with one path: the three digests (what lies there, what should, what we last put there) decide.
 * Pure, and total over every combination. Always holds: nothing that differs from what we last put there is
 * replaced or removed unless the user took `canonical` for that path (S38, S39); a link, a folder or a special
 * file in the way is never touched, whatever was taken (S33).
 */
import { unreachable } from '../../schemas/fault.ts'
import { type Mark, type Seen, same } from './mark.ts'

/** How the user settles a conflict. */
export type Take = 'canonical' | 'local'

/** What stands where a file should be. `linked`: a symlink, there or above; `twin`: a name that folds to the same. */
export type Obstacle = 'linked' | 'blocked' | 'twin'

/** What lies at a path, as far as deciding goes. */
export type Found =
  | { readonly kind: 'absent' }
  | ({ readonly kind: 'file' } & Seen)
  | { readonly kind: 'obstacle'; readonly obstacle: Obstacle }

/**
 * - `edited`: changed here since we wrote it, and not what is canonical. `deleted`: removed here.
 * - `exists`: it was here before we ever wrote it, and differs. `orphaned`: no longer canonical, but changed here.
 */
export type ConflictKind = 'edited' | 'deleted' | 'exists' | 'orphaned' | Obstacle

/** Why a file changes: canonical has it now, changed it, dropped it, or the user took it in a conflict. */
export type Why = 'added' | 'changed' | 'dropped' | 'taken'

export type Verdict =
  /** Nothing to do. `settled`: it differs, and the user has said that it may. */
  | { readonly act: 'keep'; readonly settled: ConflictKind | null }
  | { readonly act: 'create' | 'replace' | 'chmod' | 'remove'; readonly why: Why }
  /** Only our own record changes: it is identical already / is ours no more / differs by the user's choice. */
  | { readonly act: 'adopt' | 'forget' | 'settle' }
  | { readonly act: 'conflict'; readonly kind: ConflictKind }

export type Facts = {
  readonly found: Found
  /** What is canonical; null for nothing. */
  readonly desired: Mark | null
  /** What we last put there; null for nothing. */
  readonly last: Mark | null
  /** The canonical content against which the user chose `local`. */
  readonly kept: Mark | null
  readonly take: Take | null
}

export function decide(facts: Facts): Verdict {
  return facts.desired === null ? decideDropped(facts) : decideWanted(facts, facts.desired)
}

/** Not canonical (any more): only a file that we put there, and that is still the same, goes. */
function decideDropped({ found, last, take }: Facts): Verdict {
  // Whatever is there is not what we put there: it belongs to the user (S3).
  if (found.kind !== 'file' || last === null) return { act: 'forget' }
  if (same(found, last)) return { act: 'remove', why: 'dropped' }
  if (take === 'canonical') return { act: 'remove', why: 'taken' }
  return take === 'local' ? { act: 'forget' } : { act: 'conflict', kind: 'orphaned' }
}

function decideWanted({ found, last, kept, take }: Facts, desired: Mark): Verdict {
  switch (found.kind) {
    case 'absent':
      return last === null ? { act: 'create', why: 'added' } : settle('deleted')
    case 'file':
      if (same(found, desired))
        return sameMark(last, desired) && kept === null ? { act: 'keep', settled: null } : { act: 'adopt' }
      if (same(found, last)) return { act: change(found, desired), why: 'changed' }
      return settle(last === null ? 'exists' : 'edited')
    case 'obstacle':
      return settle(found.obstacle)
    default:
      return unreachable(found)
  }

  function settle(kind: ConflictKind): Verdict {
    if (take === 'canonical' && found.kind !== 'obstacle')
      return found.kind === 'absent'
        ? { act: 'create', why: 'taken' }
        : { act: change(found, desired), why: 'taken' }
    if (sameMark(kept, desired)) return { act: 'keep', settled: kind }
    return take === 'local' ? { act: 'settle' } : { act: 'conflict', kind }
  }
}

const change = (found: Seen, desired: Mark) => (found.hash === desired.hash ? 'chmod' : 'replace')

const sameMark = (a: Mark | null, b: Mark): boolean => a !== null && a.hash === b.hash && a.exec === b.exec
