/**
 * Brings the home up to date, within the hook's budget where somebody waits: for the hook, for `run`, for the shim.
 * Always holds: whoever waits does so for `hookSyncMs` at most, and work that needs longer goes on by itself (S51).
 */
import { hookGraceMs, hookSyncMs } from '../../schemas/limits.ts'
import { findNeed, type HookWorld, type Moment } from './check.ts'
import { beginWork, endWork, isWorking, waitForWork } from './worker.ts'

/** What a process of its own is to do. */
export type Job = 'sync' | 'apply' | 'work'
/** Starts one, which then runs by itself; `ended` comes however it ends. */
export type Start = (job: Job) => Promise<{ readonly ended: Promise<void> }>
export type FreshenWorld = HookWorld & {
  readonly pid: number
}

export async function freshen(world: FreshenWorld, moment: Moment, start: Start): Promise<void> {
  const { clock } = world
  const startMs = clock.monotonic()
  if (moment === 'work') {
    await beginWork(world)
    const need = await findNeed(world, moment)
    if (need !== 'nothing') await (await start(need)).ended
    await endWork(world)
    return
  }
  // What the start of this session began is nearly always over by now, and has to be in place before the next one.
  if (moment === 'end') await waitForWork(world, hookGraceMs)
  const need = await findNeed(world, moment)
  const job = need === 'nothing' && moment === 'end' && (await isWorking(world)) ? 'apply' : need
  if (job === 'nothing') return
  const budget = new AbortController()
  const leftMs = Math.max(0, hookSyncMs - (clock.monotonic() - startMs))
  const over = clock.wait(leftMs, budget.signal).catch(() => undefined)
  const done = start(job).then(({ ended }) => (job === 'work' ? undefined : ended))
  try {
    await Promise.race([done, over])
  } finally {
    budget.abort()
  }
}
