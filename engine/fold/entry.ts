/**
 * Entries between bytes and facts. The hash of an entry is over its payload's bytes as they are: an entry is
 * encoded once, by the master, and never again.
 */
import {
  type Entry,
  type Event,
  type EventType,
  entryTuple,
  events,
  isEventType,
} from '../../schemas/event/index.ts'
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { entryBytesMax } from '../../schemas/limits.ts'
import { check, decode, encode } from '../codec/msgpack.ts'
import { sha256 } from '../crypto/hash.ts'
import { readPlain } from './plain.ts'

export type Sealed = { readonly entry: Entry; readonly hash: Buffer }

/** The payload of a new entry. */
export const encodeEntry = (seq: number, prev: Uint8Array, timeMs: number, event: Event): Buffer =>
  encode([seq, prev, timeMs, event.type, event.body])

/** An entry out of its payload, of the right shape; its place in the log is checked by the fold. */
export function decodeEntry(payload: Uint8Array): Sealed | Refusal {
  if (payload.length > entryBytesMax)
    return refuse('protocol', `An entry is larger than ${entryBytesMax} bytes.`)
  const entry = readPlain(payload) ?? readAny(payload)
  return isRefusal(entry) ? entry : { entry, hash: sha256(payload) }
}

/** The door for every entry. `readPlain` is a quicker way through it, never another one. */
export function readAny(payload: Uint8Array): Entry | Refusal {
  const tuple = decode(payload, entryTuple, 'An entry')
  if (isRefusal(tuple)) return tuple
  const [seq, prev, timeMs, type, raw] = tuple
  if (!isEventType(type))
    return refuse('upgrade-needed', 'The log holds a kind of entry that this stemma does not know.', { seq })
  const event = readEvent(type, raw)
  if (isRefusal(event)) return event
  return { seq, prev, timeMs, ...event }
}

/** Checks a fact's body: the door before anything is appended, and after anything is read. */
export function readEvent(type: EventType, raw: unknown): Event | Refusal {
  const body = check(raw, events[type].body, `An entry (${type})`)
  // The table pairs each type with its body's shape, which the compiler cannot follow through a lookup.
  return isRefusal(body) ? body : ({ type, body } as Event)
}
