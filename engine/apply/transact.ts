/**
 * One transaction: stage, back up, commit by journal, swap, sync, record.
 * Always holds: until the journal is durable the home is as it was, and a failure leaves it so; from then on
 * every step is carried out, now or by `finish` at the next start; what the ledger says is durable in the home.
 */
import { Fault } from '../../schemas/fault.ts'
import { stageParallel } from '../../schemas/limits.ts'
import { ancestors, type HomePath } from '../../schemas/path.ts'
import { makeDirs, removeTree } from '../disk/tree.ts'
import { counting } from '../env/progress.ts'
import { backUp } from './backup.ts'
import { dropFolders, makeFolders } from './folders.ts'
import { startWork } from './ground.ts'
import { type Journal, type JournalStep, saveJournal } from './journal.ts'
import type { Ledger } from './ledger.ts'
import type { PathFault, Plan } from './plan.ts'
import { eachOf } from './pool.ts'
import { settleSteps } from './settle.ts'
import { inHome, type Site } from './site.ts'
import { checkRoom, makeHome, stage } from './stage.ts'
import { isCarriedOut, isMoved, type Outcome, swap } from './swap.ts'

export type Finished = {
  readonly done: readonly JournalStep[]
  /** Something was not as planned: plan again. */
  readonly moved: readonly HomePath[]
  readonly faults: readonly PathFault[]
  readonly ledger: Ledger
}
export type Transacted = Finished & { readonly backup: string | null }

/** @param ledger with the plan's notes in it already. */
export async function transact(site: Site, plan: Plan, ledger: Ledger): Promise<Transacted> {
  const journal: Journal = { tx: site.ids.name(), folders: plan.folders, steps: plan.steps }
  let backup: string | null = null
  try {
    await makeHome(site)
    await makeDirs(site.disk, site.records, 0o700)
    const displaced = await displacedBy(site, plan)
    await checkRoom(site, displaced.bytes, plan)
    await stage(site, journal.tx, plan.steps)
    if (displaced.items.length > 0) {
      const kept = await backUp(site, displaced.items)
      if ('moved' in kept) {
        await removeTree(site.disk, site.stage)
        return { done: [], moved: [kept.moved], faults: [], ledger, backup }
      }
      backup = kept.file
    }
    await saveJournal(site.disk, site.ids, site.journal, journal)
  } catch (error) {
    await abandon(site, error)
    throw error
  }
  return { ...(await finish(site, journal, ledger)), backup }
}

async function displacedBy(site: Site, plan: Plan) {
  const items = []
  let bytes = 0
  for (const { act, path, from } of plan.steps) {
    if (act !== 'replace' && act !== 'remove') continue
    const at = inHome(site, path)
    bytes += (await site.disk.stat(at))?.size ?? 0
    items.push({ path, at, from })
  }
  return { items, bytes }
}

/** Before the commit: takes back what was prepared. What cannot be removed now goes at the next start. */
async function abandon(site: Site, cause: unknown): Promise<void> {
  if (!(cause instanceof Fault)) return
  try {
    // A journal that may have become durable all the same keeps its staged files.
    await site.disk.unlink(site.journal)
    await removeTree(site.disk, site.stage)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

/** Carries out a durable journal, or what is left of it. */
export async function finish(site: Site, journal: Journal, before: Ledger): Promise<Finished> {
  const { disk } = site
  const outcomes = new Map<JournalStep, Outcome>()
  const work = await startWork(site, journal.tx)
  const folders = await makeFolders(work, journal.folders)
  const count = counting(site.progress, 'place', journal.steps.length)
  const carryOut = async (step: JournalStep, index: number) => {
    const above = ancestors(step.path).find((folder) => folders.faults.has(folder))
    const fault = above === undefined ? undefined : folders.faults.get(above)
    outcomes.set(step, fault ?? (await swap(work, step, index)))
    count(1)
  }
  // New content first, removals last: a skill that moves is never missing.
  const numbered = journal.steps.map((step, index) => ({ step, index }))
  const writes = numbered.filter(({ step }) => step.act !== 'remove')
  const removals = numbered.filter(({ step }) => step.act === 'remove')
  for (const group of [writes, removals])
    await eachOf(group, stageParallel, ({ step, index }) => carryOut(step, index))

  await settleSteps(site, journal, outcomes, folders.touched)
  const rows = new Map(before.rows)
  for (const [step, outcome] of outcomes) {
    if (!isCarriedOut(outcome)) continue
    if (step.act === 'remove') rows.delete(step.path)
    else rows.set(step.path, { last: step.to, kept: null, look: null })
  }
  const ours = [...before.folders, ...journal.folders]
  const ledger: Ledger = { rows, folders: await dropFolders(site, ours, rows.keys()), tx: journal.tx }
  await site.ledger.save(ledger)
  await disk.unlink(site.journal)
  await removeTree(disk, site.stage)
  return { ...summary(journal, outcomes), ledger }
}

function summary({ steps }: Journal, outcomes: ReadonlyMap<JournalStep, Outcome>): Omit<Finished, 'ledger'> {
  const faults: PathFault[] = []
  for (const step of steps) {
    const fault = outcomes.get(step)
    if (fault instanceof Fault) faults.push({ path: step.path, fault })
  }
  return {
    done: steps.filter((step) => outcomes.get(step) === 'done'),
    moved: steps.filter((step) => isMoved(outcomes.get(step))).map((step) => step.path),
    faults,
  }
}
