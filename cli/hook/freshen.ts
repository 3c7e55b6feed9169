/**
 * Brings the home up to date within the hook's budget: for the hook itself, for `run`, and for the shim.
 * Always holds: it ends within `hookSyncMs` of its start, and work that needs longer goes on by itself (S51).
 */
import { hookSyncMs } from '../../schemas/limits.ts'
import { findNeed, type HookWorld, type Moment } from './check.ts'

/** What a process of its own is to do. */
export type Job = 'sync' | 'apply' | 'probe'
/** Starts one, which then runs by itself; `ended` comes however it ends. */
export type Start = (job: Job) => Promise<{ readonly ended: Promise<void> }>

export async function freshen(world: HookWorld, moment: Moment, start: Start): Promise<void> {
  const startMs = world.clock.monotonic()
  const need = await findNeed(world, moment)
  if (need === 'nothing') return
  const budget = new AbortController()
  const leftMs = Math.max(0, hookSyncMs - (world.clock.monotonic() - startMs))
  const over = world.clock.wait(leftMs, budget.signal).catch(() => undefined)
  const done = start(need).then(({ ended }) => (need === 'probe' ? undefined : ended))
  try {
    await Promise.race([done, over])
  } finally {
    budget.abort()
  }
}
