/**
 * Brings the home up to date within the hook's budget: for the hook itself, for `run`, and for the shim.
 * Always holds: it ends within `hookSyncMs` of its start, and a sync that needs longer goes on by itself (S51).
 */
import { hookSyncMs } from '../../schemas/limits.ts'
import { checkForNews, type HookWorld } from './check.ts'

export async function freshen(world: HookWorld, startSync: () => Promise<void>): Promise<void> {
  const startMs = world.clock.monotonic()
  if ((await checkForNews(world)) === 'nothing') return
  const budget = new AbortController()
  const leftMs = Math.max(0, hookSyncMs - (world.clock.monotonic() - startMs))
  const over = world.clock.wait(leftMs, budget.signal).catch(() => undefined)
  await Promise.race([startSync(), over])
  budget.abort()
}
