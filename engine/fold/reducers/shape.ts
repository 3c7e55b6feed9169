/** What a reducer is: the state before, one fact and its place in; changes or a refusal out. Nothing else is read. */
import type { EventBody, EventType } from '../../../schemas/event/index.ts'
import { type Refusal, refuse } from '../../../schemas/fault.ts'
import type { KeyHistory } from '../keys.ts'
import type { Change, State } from '../state.ts'

export type Place = { readonly seq: number; readonly timeMs: number }
export type Effect = { readonly changes: readonly Change[]; readonly keys?: KeyHistory }
export type Reducer<T extends EventType> = (
  state: State,
  body: EventBody<T>,
  place: Place,
) => Effect | Refusal

export const against = (why: string): Refusal => refuse('refused', why)
/** Rows outlive the buffer that an entry was decoded from. */
export const copy = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes)
