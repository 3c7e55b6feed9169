/**
 * One transaction: stage, back up, commit by journal, swap, sync, record.
 * Always holds: until the journal is durable the home is as it was, and a failure leaves it so; from then on
 * every step is carried out, now or by `finish` at the next start; what the ledger says is durable in the home.
 */
import { Fault } from '../../schemas/fault.ts'
import { stageParallel } from '../../schemas/limits.ts'
import { ancestors, type HomePath } from '../../schemas/path.ts'
import { settleName } from '../disk/save.ts'
import { makeDirs, removeTree } from '../disk/tree.ts'
import { backUp } from './backup.ts'
import { type Journal, type JournalStep, saveJournal } from './journal.ts'
import { type Ledger, saveLedger } from './ledger.ts'
import { lookAbove } from './observe.ts'
import type { PathFault, Plan } from './plan.ts'
import { eachOf } from './pool.ts'
import { inHome, type Site } from './site.ts'
import { checkRoom, makeHome, stage, stageDir } from './stage.ts'
import { isLocal, type Outcome, swap } from './swap.ts'

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
  const folders = await makeFolders(site, journal.folders)
  const carryOut = async (step: JournalStep, index: number) => {
    const above = ancestors(step.path).find((folder) => folders.faults.has(folder))
    const fault = above === undefined ? undefined : folders.faults.get(above)
    outcomes.set(step, fault ?? (await swap(site, journal.tx, step, index)))
  }
  // New content first, removals last: a skill that moves is never missing.
  const numbered = journal.steps.map((step, index) => ({ step, index }))
  const writes = numbered.filter(({ step }) => step.act !== 'remove')
  const removals = numbered.filter(({ step }) => step.act === 'remove')
  for (const group of [writes, removals])
    await eachOf(group, stageParallel, ({ step, index }) => carryOut(step, index))

  const touched = new Set(folders.touched)
  await settle(site, journal, outcomes, touched)
  const rows = new Map(before.rows)
  for (const [step, outcome] of outcomes) {
    if (outcome !== 'done') continue
    if (step.act === 'remove') rows.delete(step.path)
    else rows.set(step.path, { last: step.to, kept: null, look: null })
  }
  const ours = [...before.folders, ...journal.folders]
  const ledger: Ledger = { rows, folders: await dropFolders(site, ours, rows.keys()), tx: journal.tx }
  await saveLedger(disk, site.ids, site.ledger, ledger)
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
    moved: steps.filter((step) => outcomes.get(step) === 'moved').map((step) => step.path),
    faults,
  }
}

/** Makes the folders that new files need. One that cannot be made stops what belongs below it, nothing else. */
async function makeFolders(site: Site, folders: readonly HomePath[]) {
  const faults = new Map<string, Fault>()
  const touched: string[] = []
  for (const folder of folders) {
    try {
      // Not below a link or a file: the steps there will find out and say so.
      if ((await lookAbove(site.disk, site.home, folder)) !== null) continue
      await site.disk.makeDir(`${site.home}/${folder}`)
      touched.push(parentOf(folder))
    } catch (error) {
      if (!isLocal(error)) throw error
      if ((await site.disk.stat(`${site.home}/${folder}`)) === null) faults.set(folder, error)
    }
  }
  return { faults, touched }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
const folderAt = (site: Site, folder: string): string =>
  folder === '' ? site.home : `${site.home}/${folder}`

/** Makes durable what was done. What cannot be is not recorded as done; the next plan finds it in place. */
async function settle(
  site: Site,
  journal: Journal,
  outcomes: Map<JournalStep, Outcome>,
  touched: Set<string>,
): Promise<void> {
  const { disk } = site
  const done = journal.steps.filter((step) => outcomes.get(step) === 'done')
  const settleStep = async (step: JournalStep, index: number) => {
    const at = inHome(site, step.path)
    if (step.act === 'chmod') return syncFile(site, at)
    if (!disk.windows) return
    // Folders cannot be synced there; a file carries its names with it.
    const named = step.act === 'remove' ? `${stageDir(site, journal.tx)}/${index}.old` : at
    if ((await disk.stat(named)) !== null) await settleName(disk, named)
  }
  const numbers = new Map(journal.steps.map((step, index) => [step, index]))
  await eachOf(done, stageParallel, async (step) => {
    try {
      await settleStep(step, numbers.get(step) ?? 0)
    } catch (error) {
      if (!isLocal(error)) throw error
      outcomes.set(step, error)
    }
  })
  // Also where the user's own bytes were put back.
  for (const [step, outcome] of outcomes)
    if (step.act !== 'chmod' && !(outcome instanceof Fault)) touched.add(parentOf(step.path))
  await eachOf([...touched], stageParallel, async (folder) => {
    const fault = await syncFolder(site, folder)
    if (fault) for (const step of done) if (parentOf(step.path) === folder) outcomes.set(step, fault)
  })
}

async function syncFile(site: Site, at: string): Promise<void> {
  const file = await site.disk.open(at, 'read')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(site: Site, folder: string): Promise<Fault | null> {
  try {
    await site.disk.syncDir(folderAt(site, folder))
    return null
  } catch (error) {
    if (isLocal(error)) return error
    // Removed meanwhile, with all that was in it.
    if (error instanceof Fault && error.code === 'disk-missing') return null
    throw error
  }
}

/** Removes folders of ours in which nothing of ours is left and nothing else is; returns those that stay ours. */
export async function dropFolders(
  site: Site,
  ours: Iterable<HomePath>,
  paths: Iterable<HomePath>,
): Promise<Set<HomePath>> {
  const inUse = new Set<string>()
  for (const path of paths) for (const folder of ancestors(path)) inUse.add(folder)
  const stay = new Set<HomePath>()
  const parents = new Set<string>()
  // Inner ones first: an outer one is empty only then.
  for (const folder of [...new Set(ours)].sort().reverse()) {
    if (inUse.has(folder)) stay.add(folder)
    else if (await removeFolder(site, folder)) parents.add(parentOf(folder))
  }
  for (const parent of parents) await syncFolder(site, parent)
  return new Set([...stay].sort())
}

async function removeFolder(site: Site, folder: HomePath): Promise<boolean> {
  try {
    if ((await lookAbove(site.disk, site.home, folder)) !== null) return false
    return await site.disk.removeDir(`${site.home}/${folder}`)
  } catch (error) {
    // An empty folder that cannot be removed does no harm; it is the user's from now on.
    if (isLocal(error)) return false
    throw error
  }
}
