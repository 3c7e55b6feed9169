/**
 * One step of the fold: may this entry come next, and what does it change? Pure; used alike before an append,
 * after the disk, after the wire, and by whoever verifies.
 */
import type { Event, EventBody, EventType } from '../../schemas/event/index.ts'
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { chainRoot } from '../../schemas/signable.ts'
import { sha256 } from '../crypto/hash.ts'
import { decodeEntry, type Sealed } from './entry.ts'
import { reducers } from './reducers/index.ts'
import type { Effect, Place } from './reducers/shape.ts'
import type { State, Undo } from './state.ts'

/** Applies the entry in `payload` to `state`, or says why it cannot be the next one; then nothing has changed. */
export function step(
  state: State,
  payload: Uint8Array,
): { readonly sealed: Sealed; readonly undo: Undo } | Refusal {
  const sealed = decodeEntry(payload)
  if (isRefusal(sealed)) return sealed
  const misplaced = placeFault(state, sealed)
  if (misplaced) return misplaced
  const { entry, hash } = sealed
  const effect = reduce(state, entry.type, entry.body, entry)
  if (isRefusal(effect)) return effect
  const undo = state.advance(
    { seq: entry.seq, hash, timeMs: entry.timeMs, keys: effect.keys ?? null },
    effect.changes,
  )
  return { sealed, undo }
}

function placeFault(state: State, { entry }: Sealed): Refusal | null {
  const { seq, timeMs } = state.at
  if (entry.seq !== seq + 1) return refuse('protocol', `Entry ${entry.seq} came where ${seq + 1} is next.`)
  if (entry.timeMs < timeMs) return refuse('refused', `Entry ${entry.seq} is older than the one before it.`)
  if (seq === 0 && entry.type !== 'log.chartered') return refuse('refused', 'A log begins with its charter.')
  if (!prevOf(state, entry).equals(entry.prev))
    return refuse('fork', `Entry ${entry.seq} does not follow from the entry before it.`, { seq: entry.seq })
  return null
}

/** What the next entry must name as its predecessor: the chain of a log hangs on its own id. */
export const prevOf = (state: State, event: Event): Buffer =>
  state.at.seq === 0 && event.type === 'log.chartered' ? sha256(chainRoot(event.body.logId)) : state.at.entry

/** Generic in the type, so that table, body and reducer stay of one kind. */
function reduce<T extends EventType>(
  state: State,
  type: T,
  body: EventBody<T>,
  place: Place,
): Effect | Refusal {
  return reducers[type](state, body, place)
}
