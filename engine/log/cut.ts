/**
 * Facts cut into batches that a log takes.
 * Always holds: their order stays; what belongs together is in one batch, since every batch ends in a head that
 * vouches for the state that it leaves.
 */
import type { Event } from '../../schemas/event/index.ts'
import { draftEntriesMax } from '../../schemas/limits.ts'

/** @param whole facts behind the others that stay in one batch. */
export function* inBatches(events: readonly Event[], whole: readonly Event[]): Generator<readonly Event[]> {
  if (events.length + whole.length <= draftEntriesMax) {
    const all = [...events, ...whole]
    if (all.length > 0) yield all
    return
  }
  for (let from = 0; from < events.length; from += draftEntriesMax)
    yield events.slice(from, from + draftEntriesMax)
  if (whole.length > 0) yield whole
}
