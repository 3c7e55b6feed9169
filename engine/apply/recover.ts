/**
 * What every start does first: carries out what a crash interrupted after its commit, and clears away what it
 * left before. Always holds: recovering twice changes nothing more; with nothing to do nothing is written.
 */

import { stageParallel } from '../../schemas/limits.ts'
import { sweepTemps } from '../disk/save.ts'
import { removeTree } from '../disk/tree.ts'
import { digestOf } from './digest.ts'
import type { Journal, JournalStep } from './journal.ts'
import { loadJournal } from './journal.ts'
import { eachOf } from './pool.ts'
import type { Site } from './site.ts'
import { stageDir } from './stage.ts'
import { type Finished, finish } from './transact.ts'

/** What was finished; null when no committed transaction had been cut off. */
export async function recover(site: Site): Promise<Finished | null> {
  const { disk } = site
  const journal = await loadJournal(disk, site.journal)
  const ledger = await site.ledger.load()
  let finished: Finished | null = null
  if (journal !== null && journal.tx !== ledger.tx) {
    await dropDamaged(site, journal)
    finished = await finish(site, journal, ledger)
  }
  // The removal of a finished journal need not have been durable.
  else if (journal !== null) await disk.unlink(site.journal)
  await removeTree(disk, site.stage)
  await sweepTemps(disk, site.records)
  await sweepTemps(disk, site.backups)
  return finished
}

/** Staged content was durable before the commit; still, nothing is installed unread. */
async function dropDamaged(site: Site, journal: Journal): Promise<void> {
  const dir = stageDir(site, journal.tx)
  const staged = async (step: JournalStep, index: number) => {
    if (step.act !== 'create' && step.act !== 'replace') return
    const digest = await digestOf(site.disk, `${dir}/${index}`)
    if (digest !== null && digest.hash !== step.to.hash) await site.disk.unlink(`${dir}/${index}`)
  }
  await eachOf(journal.steps, stageParallel, staged)
}
