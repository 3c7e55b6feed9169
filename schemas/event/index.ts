/**
 * All events, each declared once: the table that types, validation, redaction and reducers are made from.
 */
import { entryBytesMax } from '../limits.ts'
import { bytes, count, v } from '../shape.ts'
import { hashBytes } from '../signable.ts'
import { epochGranted, epochStarted, wrapsPut } from './epoch.ts'
import { filePut, fileRemoved } from './file.ts'
import { enrolmentChanged, followerEnrolled, followerRevoked } from './follower.ts'
import { keyRecovered, keyRotated } from './key.ts'
import { foldUpgraded, logChartered } from './log.ts'
import { secretPut, secretRemoved } from './secret.ts'
import { selectionChanged } from './selection.ts'

export const events = {
  'log.chartered': logChartered,
  'fold.upgraded': foldUpgraded,
  'key.rotated': keyRotated,
  'key.recovered': keyRecovered,
  'file.put': filePut,
  'file.removed': fileRemoved,
  'secret.put': secretPut,
  'secret.removed': secretRemoved,
  'selection.changed': selectionChanged,
  'follower.enrolled': followerEnrolled,
  'follower.revoked': followerRevoked,
  'enrolment.changed': enrolmentChanged,
  'epoch.started': epochStarted,
  'epoch.granted': epochGranted,
  'wraps.put': wrapsPut,
} as const

export type EventType = keyof typeof events
export type EventBody<T extends EventType> = v.InferOutput<(typeof events)[T]['body']>
/** A fact, not yet placed in a log. */
export type Event = { [T in EventType]: { readonly type: T; readonly body: EventBody<T> } }[EventType]
export const isEventType = (value: string): value is EventType => Object.hasOwn(events, value)

/** An entry as decoded: a fact in its place. `hash` is over the payload's bytes, which `decodeEntry` was given. */
export type Entry = { readonly seq: number; readonly prev: Uint8Array; readonly timeMs: number } & Event

/** The outer shape of an entry's payload: `[seq, prev, time, type, body]`. */
export const entryTuple = v.strictTuple([count, bytes(hashBytes), count, v.string(), v.unknown()])
export const entryPayloadBytesMax = entryBytesMax

/** The fold version that this code knows. */
export const foldVersion = 1

/** An event's body as it may be shown: hidden fields by their length only, hashes and keys in hex. */
export function shownBody(event: Event): Record<string, unknown> {
  const hidden: readonly string[] = events[event.type].hidden
  const out: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(event.body)) {
    if (value instanceof Uint8Array)
      out[field] = hidden.includes(field) ? `[${value.length} bytes]` : Buffer.from(value).toString('hex')
    else out[field] = hidden.includes(field) ? '[hidden]' : value
  }
  return out
}
