/**
 * Makes durable what the ledger is about to say of the home.
 * Always holds: what could not be made durable is told as a fault of that path and must not be recorded; the
 * next plan finds it in place and tries again.
 */
import { Fault } from '../../schemas/fault.ts'
import { stageParallel } from '../../schemas/limits.ts'
import { ancestors, type HomePath } from '../../schemas/path.ts'
import { settleName } from '../disk/save.ts'
import type { Journal, JournalStep } from './journal.ts'
import type { PathFault } from './plan.ts'
import { eachOf } from './pool.ts'
import { inHome, type Site } from './site.ts'
import { stageDir } from './stage.ts'
import { isCarriedOut, isLocal, type Outcome } from './swap.ts'

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** A name that is not durable takes everything below it along. `''` is the home. */
const isBelow = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`)

/** After a swap: replaces `done` and `edited` in `outcomes` by a fault where the disk would not confirm it. */
export async function settleSteps(
  site: Site,
  { tx, steps }: Journal,
  outcomes: Map<JournalStep, Outcome>,
  folders: Iterable<string>,
): Promise<void> {
  const { disk } = site
  const done = steps
    .map((step, index) => ({ step, index }))
    .filter(({ step }) => isCarriedOut(outcomes.get(step)))
  await eachOf(done, stageParallel, async ({ step, index }) => {
    const at = inHome(site, step.path)
    // Folders cannot be synced on Windows; a file carries its names with it.
    const named = step.act === 'remove' ? `${stageDir(site, tx)}/${index}.old` : at
    const settleStep = async () => {
      if (step.act === 'chmod') await syncFile(site, at)
      else if (disk.windows && (await disk.stat(named)) !== null) await settleName(disk, named)
    }
    const fault = await faultOf(settleStep)
    if (fault) outcomes.set(step, fault)
  })
  const touched = new Set(folders)
  // Also where the user's own bytes were put back.
  for (const [step, outcome] of outcomes)
    if (step.act !== 'chmod' && !(outcome instanceof Fault)) touched.add(parentOf(step.path))
  await eachOf([...touched], stageParallel, async (folder) => {
    const fault = await faultOf(() => syncFolder(site, folder))
    if (fault) for (const { step } of done) if (isBelow(step.path, folder)) outcomes.set(step, fault)
  })
}

/** Files that are already as they should be, by whomever they were put there. */
export async function settleAdopted(site: Site, paths: readonly HomePath[]): Promise<PathFault[]> {
  const faults = new Map<string, Fault>()
  // A folder above may be as new as the file.
  const folders = new Set(paths.length > 0 ? ['', ...paths.flatMap(ancestors)] : [])
  const note = async (path: string, act: () => Promise<void>) => {
    const fault = await faultOf(act)
    if (fault) faults.set(path, fault)
  }
  await eachOf(paths, stageParallel, (path) =>
    note(path, () =>
      site.disk.windows ? settleName(site.disk, inHome(site, path)) : syncFile(site, inHome(site, path)),
    ),
  )
  await eachOf([...folders], stageParallel, async (folder) => {
    const fault = await faultOf(() => syncFolder(site, folder))
    if (fault) for (const path of paths) if (isBelow(path, folder)) faults.set(path, fault)
  })
  return [...faults].map(([path, fault]) => ({ path, fault }))
}

/** The names in a folder of the home (`''` is the home itself). */
export async function syncFolder(site: Site, folder: string): Promise<void> {
  await site.disk.syncDir(folder === '' ? site.home : `${site.home}/${folder}`)
}

async function syncFile(site: Site, at: string): Promise<void> {
  const file = await site.disk.open(at, 'read')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A fault that concerns this place alone; what was taken away meanwhile needs no durability. */
async function faultOf(act: () => Promise<void>): Promise<Fault | null> {
  try {
    await act()
    return null
  } catch (error) {
    if (isLocal(error)) return error
    if (error instanceof Fault && error.code === 'disk-missing') return null
    throw error
  }
}
