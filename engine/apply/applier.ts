/**
 * Brings canonical files into a Codex home: looks, plans, carries out, and plans again where the home changed
 * under its hands. One Applier at a time may work on a home: the caller holds the writer lock.
 * Always holds: S37, S38, S39 (see README); with nothing to do nothing is written.
 */
import { Fault, type Refusal, refuse } from '../../schemas/fault.ts'
import { applyRoundsMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Hash } from '../../schemas/shape.ts'
import { makeDirs } from '../disk/tree.ts'
import type { CanonFiles } from '../fold/file.ts'
import { pruneBackups } from './backup.ts'
import type { Take } from './decide.ts'
import { dropFolders } from './folders.ts'
import type { JournalStep } from './journal.ts'
import type { Ledger } from './ledger.ts'
import { observe } from './observe.ts'
import {
  type Conflict,
  isIdle,
  makePlan,
  noted,
  type PathFault,
  type Plan,
  pathsOf,
  type Step,
  type Takes,
} from './plan.ts'
import { recover } from './recover.ts'
import { settleAdopted } from './settle.ts'
import { type Site, siteOf, type Tools } from './site.ts'
import { type Finished, transact } from './transact.ts'
import { isStale, plainly, type Wish, type Wishes } from './wish.ts'

export type ApplierOptions = Tools & {
  readonly codexHome: string
  readonly stemmaHome: string
  /** Takes out of a plan what has to wait; asked about every plan anew. */
  readonly hold?: Hold
}
export type Hold = (plan: Plan, wish: Wish) => Promise<Plan>
export type ApplyResult = {
  readonly changed: readonly JournalStep[]
  readonly conflicts: readonly Conflict[]
  readonly settled: readonly Conflict[]
  readonly staged: readonly Step[]
  /** Files that could not be read or written; the others were not held up. */
  readonly faults: readonly PathFault[]
  readonly backups: readonly string[]
  /** How often the home changed meanwhile, so that a plan was made anew. */
  readonly replanned: number
}

/** What one apply has done so far, over all its plans. */
type Run = {
  readonly changed: JournalStep[]
  readonly backups: string[]
  /** A file that failed once is left for the next apply. */
  readonly faults: Map<string, Fault>
}

/** Canonical files as they are, or what has to be composed anew at every look. */
export type Desired = CanonFiles | Wishes

/** How much of the home is looked at. */
export type Scope = 'all' | 'changed'

export class Applier {
  readonly #site: Site
  readonly #hold: Hold
  #recovered = false
  /** What was in question after the last apply: conflicts, and what failed. Null when nobody knows. */
  #known: ReadonlySet<string> | null = null

  constructor({ codexHome, stemmaHome, hold, ...tools }: ApplierOptions) {
    this.#site = siteOf(tools, codexHome, stemmaHome)
    this.#hold = hold ?? (async (plan) => plan)
  }

  /** Finishes or clears away what a crash left. `apply` does so by itself. Null when there was nothing to finish. */
  async recover(): Promise<Finished | null> {
    const finished = await recover(this.#site)
    this.#recovered = true
    return finished
  }

  /** What we put at each path last, as far as it is recorded. */
  async lastPut(): Promise<(path: HomePath) => Hash | null> {
    const { rows } = await this.#site.ledger.load()
    return (path) => rows.get(path)?.last?.hash ?? null
  }

  /** What `apply` would do. Writes nothing. */
  async plan(desired: Desired, takes: Takes = null): Promise<Plan> {
    return (await this.#plan(desired, await this.#site.ledger.load(), takes)).plan
  }

  /**
   * Makes the home as canonical as it may be.
   * @param scope `changed` looks only where something else is wished for than before, and where something was in question
   * after the last apply: what somebody changed elsewhere meanwhile is found by the next look at `all`.
   * Faults: `disk-full` and any of staging with the home untouched; `disk-io` later, and then the next start
   * goes on; `ledger-damaged`; `blob-damaged`.
   */
  async apply(desired: Desired, takes: Takes = null, scope: Scope = 'all'): Promise<ApplyResult> {
    const site = this.#site
    const known = scope === 'all' ? null : this.#known
    this.#known = null
    if (!this.#recovered) await this.recover()
    // From here to the end a failure may leave work for `recover`.
    this.#recovered = false
    const run: Run = { changed: [], backups: [], faults: new Map() }
    let replanned = 0
    let plan: Plan
    for (;;) {
      const ledger = await site.ledger.load()
      const planned = await this.#plan(desired, ledger, takes, known)
      plan = planned.plan
      if (replanned === applyRoundsMax) {
        for (const { path } of plan.steps) if (!run.faults.has(path)) run.faults.set(path, restless(path))
        break
      }
      if (await this.#carryOut(without(plan, run.faults), ledger, planned.wish, run)) break
      replanned++
    }
    if (run.backups.length > 0) await pruneBackups(site)
    this.#recovered = true
    for (const { path, fault } of plan.faults) run.faults.set(path, fault)
    const { conflicts, settled, staged } = plan
    const faults = [...run.faults].map(([path, fault]) => ({ path, fault }))
    this.#known = new Set([...conflicts, ...settled, ...faults].map(({ path }) => path))
    return { changed: run.changed, conflicts, settled, staged, faults, backups: run.backups, replanned }
  }

  /** True when the plan's conflicts are the last word; false when the home has to be looked at again. */
  async #carryOut(plan: Plan, before: Ledger, wish: Wish, run: Run): Promise<boolean> {
    const adopted = plan.notes.filter(({ act }) => act === 'adopt').map(({ path }) => path)
    for (const { path, fault } of await settleAdopted(this.#site, adopted)) run.faults.set(path, fault)
    const open = without(plan, run.faults)
    if (isIdle(open)) return true
    const ledger = noted(before, open, wish.files)
    if (open.steps.length === 0) return !mayUnblock(plan, before, await this.#record(ledger))
    await wish.prepare()
    const result = await transact({ ...this.#site, blobs: wish.contents }, open, ledger)
    for (const step of result.done) run.changed.push(step)
    if (result.backup !== null) run.backups.push(result.backup)
    for (const { path, fault } of result.faults) run.faults.set(path, fault)
    return result.moved.length === 0 && !mayUnblock(plan, before, result.ledger)
  }

  /** Settles one conflict, and applies. What `canonical` displaces is backed up first. */
  async resolve(path: HomePath, take: Take, desired: Desired): Promise<ApplyResult | Refusal> {
    if (!this.#recovered) await this.recover()
    const plan = await this.plan(desired)
    const conflict = [...plan.conflicts, ...plan.settled].find((one) => one.path === path)
    if (!conflict) return refuse('usage', `There is no conflict at ${path}.`, { path })
    if (take === 'canonical' && mayClear(conflict))
      return refuse(
        'conflicts',
        `${conflict.at} stands in the way of ${path} and is never replaced; move it away first.`,
        { path, at: conflict.at },
      )
    return this.apply(desired, new Map([[path, take]]))
  }

  async #plan(
    desired: Desired,
    ledger: Ledger,
    takes: Takes,
    known: ReadonlySet<string> | null = null,
  ): Promise<{ plan: Plan; wish: Wish }> {
    for (let round = 1; ; round++) {
      const wish = typeof desired === 'function' ? await desired() : plainly(desired, this.#site.blobs)
      const view = await observe(this.#site, pathsOf(wish, ledger, known), ledger)
      if (!isStale(wish, view))
        return { plan: await this.#hold(makePlan(view, wish, ledger, takes), wish), wish }
      if (round === applyRoundsMax) throw restless([...wish.composed.keys()].join(', '))
    }
  }

  async #record(ledger: Ledger): Promise<Ledger> {
    const site = this.#site
    const folders = await dropFolders(site, ledger.folders, ledger.rows.keys())
    await makeDirs(site.disk, site.records, 0o700)
    const next = { ...ledger, folders }
    await site.ledger.save(next)
    return next
  }
}

/** Something stands in the way, which a removal of ours may clear and `take canonical` may not. */
const mayClear = ({ kind }: Conflict): boolean => kind === 'linked' || kind === 'blocked' || kind === 'twin'

/** True when something of ours that is gone now may have been what stood in the way. */
const mayUnblock = (plan: Plan, before: Ledger, after: Ledger): boolean =>
  plan.conflicts.some(mayClear) &&
  (plan.steps.some(({ act }) => act === 'remove') ||
    [...before.folders].some((folder) => !after.folders.has(folder)))

const without = (plan: Plan, faults: ReadonlyMap<string, Fault>): Plan =>
  faults.size === 0
    ? plan
    : {
        ...plan,
        steps: plan.steps.filter(({ path }) => !faults.has(path)),
        notes: plan.notes.filter(({ path }) => !faults.has(path)),
      }

const restless = (path: string): Fault =>
  new Fault('disk-busy', `${path} changed again and again while it was to be replaced.`, { path })
