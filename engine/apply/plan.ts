/**
 * The plan: everything that apply would do, as plain data, before anything is touched (S35).
 * Always holds: steps are ordered so that new content comes before removals (a skill that moves is never
 * missing); a path is in one list only.
 */
import { assert, type Fault, unreachable } from '../../schemas/fault.ts'
import { ancestors, type HomePath, isHomePath } from '../../schemas/path.ts'
import type { Hash } from '../../schemas/shape.ts'
import { mayBeSecret } from '../canon/classify.ts'
import { byteOrder } from '../disk/errno.ts'
import type { CanonFile, CanonFiles } from '../fold/file.ts'
import { type ConflictKind, decide, type Take, type Why } from './decide.ts'
import type { Ledger, LedgerRow, Look } from './ledger.ts'
import { type Mark, markOf, type Seen, same } from './mark.ts'
import type { Spot, View } from './observe.ts'
import { takeOf, type Wish } from './wish.ts'

/** One change of the home. `from` is what must still lie there when it is done; null for nothing. */
export type Step = { readonly path: HomePath; readonly why: Why } & (
  | {
      readonly act: 'create'
      readonly from: null
      readonly to: Mark
      readonly bytes: number
      readonly secret: boolean
    }
  | {
      readonly act: 'replace'
      readonly from: Seen
      readonly to: Mark
      readonly bytes: number
      readonly mode: number
      readonly secret: boolean
    }
  | { readonly act: 'chmod'; readonly from: Seen; readonly to: Mark }
  | { readonly act: 'remove'; readonly from: Seen; readonly to: null }
)
/** A change of the ledger alone. */
export type Note = { readonly path: HomePath; readonly act: 'adopt' | 'forget' | 'settle' }
/**
 * `at` is what stands in the way; the path itself for a changed file. Hashes are null for nothing, and for files that
 * may hold secrets: a short one could be guessed by its hash.
 */
export type Conflict = {
  readonly path: HomePath
  readonly kind: ConflictKind
  readonly at: string
  readonly canonical: Hash | null
  readonly local: Hash | null
  /** What is canonical is no longer what we last put there. */
  readonly moved: boolean
}
export type PathFault = { readonly path: string; readonly fault: Fault }

export type Plan = {
  readonly steps: readonly Step[]
  /** Folders to be made, outermost first. */
  readonly folders: readonly HomePath[]
  readonly notes: readonly Note[]
  readonly conflicts: readonly Conflict[]
  /** Differences that the user chose to keep. */
  readonly settled: readonly Conflict[]
  /** Changes that wait (hold.ts). */
  readonly staged: readonly Step[]
  readonly faults: readonly PathFault[]
  /** Looks worth remembering. */
  readonly looks: ReadonlyMap<HomePath, Look>
}

/** How conflicts are settled: all of them one way, or path by path. */
export type Takes = Take | ReadonlyMap<HomePath, Take> | null

/**
 * Canonical paths and those of the ledger, in byte order: what has to be looked at.
 * @param known null, or the paths that were in question when all of them were looked at last. Then these are, and those
 * for which something else is wished than what we put there: that nobody changed the rest is taken for granted.
 */
export function pathsOf(
  { files, composed, spares }: Wish,
  ledger: Ledger,
  known: ReadonlySet<string> | null = null,
): HomePath[] {
  const isAsPut = (path: HomePath): boolean => {
    const wanted = files.get(path)
    const row = ledger.rows.get(path)
    return wanted !== undefined && row?.kept === null && same(markOf(wanted), row.last)
  }
  const isMeant = (path: HomePath) => known?.has(path) || composed.has(path) || !isAsPut(path)
  const paths = new Set([...files.keys(), ...ledger.rows.keys()])
  return [...paths].filter((path) => !spares(path) && (known === null || isMeant(path))).sort(byteOrder)
}

export function makePlan(view: View, wish: Wish, ledger: Ledger, takes: Takes): Plan {
  const desired = wish.files
  const writes: Step[] = []
  const removals: Step[] = []
  const folders = new Set<HomePath>()
  const notes: Note[] = []
  const conflicts: Conflict[] = []
  const settled: Conflict[] = []
  const faults: PathFault[] = []
  const looks = new Map<HomePath, Look>()

  for (const [path, spot] of view.spots) {
    const wanted = desired.get(path) ?? null
    const row = ledger.rows.get(path)
    if (spot.kind === 'unreadable') {
      faults.push({ path, fault: spot.fault })
      continue
    }
    const verdict = decide({
      found: spot,
      desired: wanted && markOf(wanted),
      last: row?.last ?? null,
      kept: row?.kept ?? null,
      take: takeOf(wish, takes, path),
    })
    const conflict = (kind: ConflictKind): Conflict => ({
      path,
      kind,
      at: spot.kind === 'obstacle' ? spot.at : path,
      canonical: told(path, wanted?.blob),
      local: told(path, spot.kind === 'file' ? spot.hash : null),
      moved: row?.last !== undefined && row.last !== null && row.last.hash !== wanted?.blob,
    })
    switch (verdict.act) {
      case 'keep':
        if (verdict.settled !== null) settled.push(conflict(verdict.settled))
        break
      case 'adopt':
      case 'forget':
      case 'settle':
        notes.push({ path, act: verdict.act })
        break
      case 'conflict':
        conflicts.push(conflict(verdict.kind))
        break
      case 'remove':
        removals.push(removal(path, spot, verdict.why))
        break
      case 'create':
      case 'replace':
      case 'chmod':
        assert(wanted !== null, 'only a canonical file is written')
        writes.push(writing(verdict.act, path, spot, wanted, verdict.why))
        for (const folder of ancestors(path))
          if (view.missing.has(folder) && isHomePath(folder)) folders.add(folder)
        break
      default:
        unreachable(verdict)
    }
    const stays = row ? verdict.act === 'keep' || verdict.act === 'conflict' : false
    const remembered = stays || verdict.act === 'adopt' || verdict.act === 'settle'
    if (remembered && spot.kind === 'file' && spot.look !== null && spot.look !== row?.look)
      looks.set(path, spot.look)
  }
  const inOrder = (a: { path: string }, b: { path: string }) => byteOrder(a.path, b.path)
  return {
    steps: [...writes.sort(inOrder), ...removals.sort(inOrder)],
    // Byte order puts a folder before what is below it.
    folders: [...folders].sort(byteOrder),
    notes: notes.sort(inOrder),
    conflicts: conflicts.sort(inOrder),
    settled: settled.sort(inOrder),
    staged: [],
    faults,
    looks,
  }
}

function writing(
  act: 'create' | 'replace' | 'chmod',
  path: HomePath,
  spot: Spot,
  wanted: CanonFile,
  why: Why,
): Step {
  const to = markOf(wanted)
  const secret = wanted.secret === true
  if (act === 'create') return { path, why, act, from: null, to, bytes: wanted.size, secret }
  assert(spot.kind === 'file', 'only a file is replaced')
  const from = { exec: spot.exec, hash: spot.hash }
  return act === 'chmod'
    ? { path, why, act, from, to }
    : { path, why, act, from, to, bytes: wanted.size, mode: spot.stat.mode, secret }
}

function removal(path: HomePath, spot: Spot, why: Why): Step {
  assert(spot.kind === 'file', 'only a file is removed')
  return { path, why, act: 'remove', from: { exec: spot.exec, hash: spot.hash }, to: null }
}

/** True when carrying the plan out would change nothing, in the home or in our records. */
export const isIdle = (plan: Plan): boolean =>
  plan.steps.length === 0 && plan.notes.length === 0 && plan.looks.size === 0

/** The ledger once the notes and looks of the plan are in it; its steps are not. */
export function noted(ledger: Ledger, plan: Plan, desired: CanonFiles): Ledger {
  const rows = new Map(ledger.rows)
  for (const { path, act } of plan.notes) {
    const row = rows.get(path)
    const wanted = desired.get(path)
    switch (act) {
      case 'forget':
        rows.delete(path)
        break
      case 'adopt':
        assert(wanted, 'only a canonical file is adopted')
        rows.set(path, { last: markOf(wanted), kept: null, look: row?.look ?? null })
        break
      case 'settle':
        assert(wanted, 'only a canonical file is declined')
        rows.set(path, { last: row?.last ?? null, kept: markOf(wanted), look: row?.look ?? null })
        break
      default:
        unreachable(act)
    }
  }
  for (const [path, look] of plan.looks) {
    const row: LedgerRow | undefined = rows.get(path)
    if (row) rows.set(path, { ...row, look })
  }
  return { ...ledger, rows }
}

const told = (path: HomePath, hash: Hash | null | undefined): Hash | null =>
  mayBeSecret(path) ? null : (hash ?? null)

export const describeStaged = (staged: readonly Step[]) =>
  staged.map(({ path, act, why }) => ({ path, act, why }))

/** The plan for `--dry-run` and `--json`: what would change and why, nothing of our own records. */
export function describePlan(plan: Plan) {
  const count = (act: Step['act']) => plan.steps.filter((step) => step.act === act).length
  return {
    changes: plan.steps.map((step) => ({
      path: step.path,
      act: step.act,
      why: step.why,
      from: told(step.path, step.from?.hash),
      to: told(step.path, step.to?.hash),
    })),
    conflicts: plan.conflicts,
    settled: plan.settled,
    staged: describeStaged(plan.staged),
    faults: plan.faults.map(({ path, fault }) => ({ path, code: fault.code, message: fault.message })),
    totals: {
      create: count('create'),
      replace: count('replace'),
      chmod: count('chmod'),
      remove: count('remove'),
      adopt: plan.notes.filter((note) => note.act === 'adopt').length,
      bytes: plan.steps.reduce((sum, step) => sum + ('bytes' in step ? step.bytes : 0), 0),
    },
  }
}
