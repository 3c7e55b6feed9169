/**
 * Brings canonical files into a Codex home: looks, plans, carries out, and plans again where the home changed
 * under its hands. One Applier at a time may work on a home: the caller holds the writer lock.
 * Always holds: S37, S38, S39 (see README); with nothing to do nothing is written.
 */
import { Fault, type Refusal, refuse } from '../../schemas/fault.ts'
import { applyRoundsMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { makeDirs } from '../disk/tree.ts'
import type { CanonFiles } from '../fold/file.ts'
import { pruneBackups } from './backup.ts'
import type { Take } from './decide.ts'
import { dropFolders } from './folders.ts'
import type { JournalStep } from './journal.ts'
import { type Ledger, loadLedger, saveLedger } from './ledger.ts'
import { observe } from './observe.ts'
import {
  type Conflict,
  isIdle,
  makePlan,
  noted,
  type PathFault,
  type Plan,
  pathsOf,
  type Takes,
} from './plan.ts'
import { recover } from './recover.ts'
import { settleAdopted } from './settle.ts'
import { type Site, siteOf, type Tools } from './site.ts'
import { type Finished, transact } from './transact.ts'

export type ApplierOptions = Tools & { readonly codexHome: string; readonly stemmaHome: string }
export type ApplyResult = {
  readonly changed: readonly JournalStep[]
  readonly conflicts: readonly Conflict[]
  readonly settled: readonly Conflict[]
  /** Files that could not be read or written; the others were not held up. */
  readonly faults: readonly PathFault[]
  readonly backups: readonly string[]
  /** How often the home changed meanwhile, so that a plan was made anew. */
  readonly replanned: number
}

export class Applier {
  readonly #site: Site
  #recovered = false

  constructor({ codexHome, stemmaHome, ...tools }: ApplierOptions) {
    this.#site = siteOf(tools, codexHome, stemmaHome)
  }

  /** Finishes or clears away what a crash left. `apply` does so by itself. Null when there was nothing to finish. */
  async recover(): Promise<Finished | null> {
    const finished = await recover(this.#site)
    this.#recovered = true
    return finished
  }

  /** What `apply` would do. Writes nothing. */
  async plan(desired: CanonFiles, takes: Takes = null): Promise<Plan> {
    return this.#plan(desired, await loadLedger(this.#site.disk, this.#site.ledger), takes)
  }

  /**
   * Makes the home as canonical as it may be.
   * Faults: `disk-full` and any of staging with the home untouched; `disk-io` later, and then the next start
   * goes on; `ledger-damaged`; `blob-damaged`.
   */
  async apply(desired: CanonFiles, takes: Takes = null): Promise<ApplyResult> {
    const site = this.#site
    if (!this.#recovered) await this.recover()
    // From here to the end a failure may leave work for `recover`.
    this.#recovered = false
    const changed: JournalStep[] = []
    const backups: string[] = []
    const faults = new Map<string, Fault>()
    let ledger = await loadLedger(site.disk, site.ledger)
    let plan = await this.#plan(desired, ledger, takes)
    let replanned = 0
    for (;;) {
      // A file that failed once is left for the next run.
      let open = without(plan, faults)
      const adopted = open.notes.filter(({ act }) => act === 'adopt').map(({ path }) => path)
      for (const { path, fault } of await settleAdopted(site, adopted)) faults.set(path, fault)
      open = without(open, faults)
      if (isIdle(open)) break
      if (open.steps.length === 0) {
        ledger = await this.#record(noted(ledger, open, desired))
        break
      }
      const result = await transact(site, open, noted(ledger, open, desired))
      changed.push(...result.done)
      if (result.backup !== null) backups.push(result.backup)
      for (const { path, fault } of result.faults) faults.set(path, fault)
      ledger = result.ledger
      const unblocked = result.done.some((step) => step.act === 'remove') && plan.conflicts.some(mayClear)
      if (result.moved.length === 0 && !unblocked) break
      plan = await this.#plan(desired, await loadLedger(site.disk, site.ledger), takes)
      if (++replanned < applyRoundsMax) continue
      for (const path of result.moved) faults.set(path, restless(path))
      break
    }
    if (backups.length > 0) await pruneBackups(site)
    this.#recovered = true
    for (const { path, fault } of plan.faults) faults.set(path, fault)
    return {
      changed,
      conflicts: plan.conflicts,
      settled: plan.settled,
      faults: [...faults].map(([path, fault]) => ({ path, fault })),
      backups,
      replanned,
    }
  }

  /** Settles one conflict, and applies. What `canonical` displaces is backed up first. */
  async resolve(path: HomePath, take: Take, desired: CanonFiles): Promise<ApplyResult | Refusal> {
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

  async #plan(desired: CanonFiles, ledger: Ledger, takes: Takes): Promise<Plan> {
    return makePlan(await observe(this.#site, pathsOf(desired, ledger), ledger), desired, ledger, takes)
  }

  async #record(ledger: Ledger): Promise<Ledger> {
    const site = this.#site
    const folders = await dropFolders(site, ledger.folders, ledger.rows.keys())
    await makeDirs(site.disk, site.records, 0o700)
    const next = { ...ledger, folders }
    await saveLedger(site.disk, site.ids, site.ledger, next)
    return next
  }
}

/** Something stands in the way, which a removal of ours may clear and `take canonical` may not. */
const mayClear = ({ kind }: Conflict): boolean => kind === 'linked' || kind === 'blocked' || kind === 'twin'

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
