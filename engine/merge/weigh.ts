/**
 * Whose value a key has: canonical, local, and what was canonical when we last wrote the file decide. Pure.
 * Always holds: nothing that differs from what we put there is lost. It is kept, and either it is the user's own key,
 * or the machine's, or a conflict that is reported; a canonical key that nobody touched here is canonical (S3, S43, S45).
 */
import { answeredKeys, isMachineKey, isReservedName, migrationsKey } from '../../schemas/config-key.ts'
import {
  emptyTable,
  isTable,
  type Path,
  printPath,
  printValue,
  same,
  type Table,
  type Value,
  valueAt,
} from '../toml/value.ts'

/** How the user settles a conflict. */
export type Take = 'canonical' | 'local'
/**
 * - `edited`, `deleted`: changed or removed here since we wrote it. `exists`: here before canonical had the name.
 * - `orphaned`: no longer canonical, but changed here.
 */
export type ConflictKind = 'edited' | 'deleted' | 'exists' | 'orphaned'
/** What the master did to the value: `too`: it changed it as well; `since-choice`: after the user had settled it. */
export type Moved = 'no' | 'too' | 'since-choice'
export type Conflict = {
  readonly path: Path
  readonly kind: ConflictKind
  readonly moved: Moved
  readonly canonical: Value | undefined
  readonly local: Value | undefined
}
/** A value that is not canonical's: `undefined` means that the key stays away. */
export type Keep = {
  readonly path: Path
  readonly value: Value | undefined
  readonly why: 'machine' | 'local' | 'conflict'
}

/** A conflict as it was told. */
export type Standing = Pick<Conflict, 'kind' | 'moved'>
/** One that the user settled with `local`, against that canonical value, as it is printed; null for none. */
export type Choice = Standing & { readonly canonical: string | null }
/** Keys of the maps are printed paths. */
export type Facts = {
  /** Without machine keys, and so is `base`: what was canonical when we last wrote; null when we never did. */
  readonly canonical: Table
  readonly base: Table | null
  readonly local: Table
  /** The conflicts that the last merge reported. */
  readonly standing: ReadonlyMap<string, Standing>
  readonly settled: ReadonlyMap<string, Choice>
  readonly take: ReadonlyMap<string, Take>
}
export type Weighed = {
  readonly merged: Table
  readonly keeps: readonly Keep[]
  readonly conflicts: readonly Conflict[]
  /** Differences from canonical values that the user chose to keep. */
  readonly settled: readonly Conflict[]
  /** Where the user took what is canonical. */
  readonly taken: readonly Path[]
  /** What the machine had written to something that is gone: approvals of a server that is no longer there. */
  readonly dropped: readonly string[]
}

export function weigh(facts: Facts): Weighed {
  const { canonical, base, local } = facts
  const keeps: Keep[] = []
  const conflicts: Conflict[] = []
  const settled: Conflict[] = []
  const taken: Path[] = []
  const dropped: string[] = []
  const calm = facts.standing.size === 0 && facts.settled.size === 0
  const answer = answerOf(canonical, base, local)
  const merged = weighTables([], canonical, base ?? emptyTable(), local)
  return { merged, keeps, conflicts, settled, taken, dropped }

  function weighTables(path: Path, c: Table, b: Table, l: Table): Table {
    const result = emptyTable()
    for (const key of new Set([...Object.keys(c), ...Object.keys(l)])) {
      const value = weighKey([...path, key], c[key], b[key], l[key])
      if (value !== undefined) result[key] = value
    }
    return result
  }

  function weighKey(path: Path, c?: Value, b?: Value, l?: Value): Value | undefined {
    if (isMachineKey(path)) return l === undefined ? undefined : keep(path, l, 'machine')
    if (answer !== null && path.length === 1 && answeredKeys.includes(path[0] ?? '')) {
      const take = facts.take.get(printPath(path))
      if (answer === 'expired') return c
      if (take === undefined && l !== undefined) return same(l, c) ? c : keep(path, l, 'machine')
    }
    if (calm && l !== undefined) {
      // The machine has nothing below a value that is what canonical is or was.
      if (same(l, c) || same(l, b)) return c
    }
    const kind = calm ? undefined : facts.standing.get(printPath(path))?.kind
    const known = kind !== undefined || (!calm && facts.settled.has(printPath(path)))
    // What was here before canonical had the name was never ours.
    const ours = kind === 'exists' ? undefined : b
    if (isReservedName(path)) return weighNamed(path, c, ours, l, kind)
    const tables = [c, ours, l].every((one) => one === undefined || isTable(one))
    // A conflict over a whole table, settled or not, stays one over the whole.
    if (tables && !known && (isTable(c) || isTable(ours) || hasOrphan(path)))
      return weighInside(path, c, ours, l)
    return weighValue(path, c, ours, l, kind)
  }

  /** All of them are tables, or absent. */
  function weighInside(path: Path, c?: Value, b?: Value, l?: Value): Table | undefined {
    const result = weighTables(path, tableOr(c), tableOr(b), tableOr(l))
    return c === undefined && isBare(result) ? undefined : result
  }

  function weighValue(
    path: Path,
    c?: Value,
    b?: Value,
    l?: Value,
    standing?: ConflictKind,
  ): Value | undefined {
    if (same(l, c) || same(l, b)) return c
    if (c === undefined && b === undefined && standing !== 'orphaned')
      return l === undefined ? undefined : keep(path, l, 'local')
    return settle(path, kindOf(c, b, l), c, b, l)
  }

  /** One name, one thing: another one of the same name is a conflict as a whole. */
  function weighNamed(
    path: Path,
    c?: Value,
    b?: Value,
    l?: Value,
    standing?: ConflictKind,
  ): Value | undefined {
    if (![c, b, l].every((one) => one === undefined || isTable(one)))
      return weighValue(path, c, b, l, standing)
    const own = isTable(l) ? withoutMachine(path, l) : emptyTable()
    const ours = isTable(b) ? withoutMachine(path, b) : undefined
    // Approvals alone are no server: they wait for one, and where there is none they go.
    const inDispute = (standing !== undefined && standing !== 'deleted') || facts.settled.has(printPath(path))
    const here = isTable(l) && (inDispute || !isBare(own) || isBare(l) || (isTable(c) && isBare(c)))
    if (isTable(c)) {
      if (!here && ours === undefined) return weighInside(path, c, undefined, l)
      const whole =
        !here ||
        (!same(own, c) && (ours === undefined || (!same(own, ours) && (inDispute || isOtherKind(c, own)))))
      if (!whole) {
        const told = [keeps, conflicts, settled, taken]
        const before = told.map(({ length }) => length)
        const result = weighInside(path, c, ours ?? c, l)
        if (result === undefined || hasLeaf(result) || !hasLeaf(c)) return result
        // Nothing is left of it: it is the whole that is missing here.
        told.forEach((list, at) => {
          list.length = before[at] ?? 0
        })
        return settle(path, 'deleted', c, ours, undefined)
      }
      const mine = here ? l : undefined
      const chosen = settle(path, kindOf(c, ours, mine), c, ours, mine)
      if (chosen === c) return weighInside(path, c, undefined, machineOnly(path, l))
      if (chosen === undefined) drop(path, l)
      return chosen
    }
    if (isTable(l) && isBare(own) && !isBare(l)) return drop(path, l)
    if (here && standing === 'orphaned') return settle(path, 'orphaned', undefined, ours, l)
    if (here && ours === undefined) return l === undefined ? undefined : keep(path, l, 'local')
    const kept = here && !same(own, ours) ? settle(path, 'orphaned', undefined, ours, l) : undefined
    return kept ?? drop(path, l)
  }

  function drop(path: Path, l: Value | undefined): undefined {
    for (const key of Object.keys(machineOnly(path, l))) dropped.push(printPath([...path, key]))
    return undefined
  }

  /** A table of the user's own is kept whole, unless something in it still waits for an answer. */
  function hasOrphan(path: Path): boolean {
    if (calm) return false
    const above = `${printPath(path)}.`
    return [...facts.standing].some(([key, { kind }]) => kind === 'orphaned' && key.startsWith(above))
  }

  function settle(path: Path, kind: ConflictKind, c?: Value, b?: Value, l?: Value): Value | undefined {
    const key = printPath(path)
    const take = facts.take.get(key)
    if (take === 'canonical') {
      taken.push(path)
      return c
    }
    const choice = facts.settled.get(key)
    const holds = choice !== undefined && choice.canonical === printOr(c)
    const last = holds ? choice : facts.standing.get(key)
    const now = kind !== 'exists' && c !== undefined && b !== undefined && !same(b, c) ? 'too' : 'no'
    const moved = choice && !holds ? 'since-choice' : last && last.moved !== 'no' ? last.moved : now
    if (!holds && take === undefined) {
      conflicts.push({ path, kind, moved, canonical: c, local: l })
      return keep(path, l, 'conflict')
    }
    // What is canonical no more is the user's own from here on.
    if (c !== undefined)
      settled.push({
        path,
        // The base has caught up with canonical since, but it was here before all the same.
        kind: holds && choice.kind === 'exists' && l !== undefined ? 'exists' : kind,
        moved: moved === 'since-choice' ? 'too' : moved,
        canonical: c,
        local: l,
      })
    return keep(path, l, 'local')
  }

  function keep<V extends Value | undefined>(path: Path, value: V, why: Keep['why']): V {
    keeps.push({ path, value, why })
    return value
  }
}

const isBare = (table: Table): boolean => Object.keys(table).length === 0
const hasLeaf = (value: Value): boolean => !isTable(value) || Object.values(value).some(hasLeaf)
const tableOr = (value: Value | undefined): Table => (isTable(value) ? value : emptyTable())

/** As it is stored and compared; null for none. */
export const printOr = (value: Value | undefined): string | null =>
  value === undefined ? null : printValue(value)

function kindOf(c?: Value, b?: Value, l?: Value): ConflictKind {
  if (l === undefined) return 'deleted'
  if (c === undefined) return 'orphaned'
  return b === undefined ? 'exists' : 'edited'
}

/** A server that is started and one that is called share no keys: half of each would be refused by Codex. */
const isOtherKind = (a: Table, b: Table): boolean =>
  'command' in a !== 'command' in b || 'url' in a !== 'url' in b

function withoutMachine(path: Path, table: Table): Table {
  const rest = emptyTable()
  for (const [key, value] of Object.entries(table)) if (!isMachineKey([...path, key])) rest[key] = value
  return rest
}

function machineOnly(path: Path, value: Value | undefined): Table {
  const rest = emptyTable()
  for (const [key, one] of Object.entries(tableOr(value))) if (isMachineKey([...path, key])) rest[key] = one
  return rest
}

/**
 * Whether the local model is an answer to Codex's offer of a newer one than the canonical model. It holds while the
 * canonical model is the one that was offered a successor, and expires when that changes.
 */
function answerOf(canonical: Table, base: Table | null, local: Table): 'holds' | 'expired' | null {
  const migrations = valueAt(local, migrationsKey)
  const { model } = local
  if (!isTable(migrations) || typeof model !== 'string') return null
  const asked = base === null ? canonical['model'] : base['model']
  if (typeof asked !== 'string' || asked === model) return null
  const seen = new Set<Value>()
  for (let at: Value | undefined = asked; typeof at === 'string' && !seen.has(at); at = migrations[at]) {
    seen.add(at)
    if (at === model) return same(asked, canonical['model']) ? 'holds' : 'expired'
  }
  return null
}
