/**
 * Batches: entries with the head that signs them. Drafted by a master, verified by everybody else.
 * Always holds: a refusal leaves the state as it was.
 */
import type { Event } from '../../schemas/event/index.ts'
import { isRefusal, type Refusal, refuse, toFault } from '../../schemas/fault.ts'
import { batchBytesMax, batchEntriesMax } from '../../schemas/limits.ts'
import { encodeEntry } from '../fold/entry.ts'
import type { State, Undo } from '../fold/state.ts'
import { prevOf, step } from '../fold/step.ts'
import { type Head, headFault, readHead, stateFault } from './head.ts'
import { kindOf } from './record.ts'

export type Batch = { readonly payloads: readonly Uint8Array[]; readonly undos: readonly Undo[] }

/** Turns facts into the next entries of `state`, through the same door as entries from outside. */
export function draftBatch(state: State, events: readonly Event[], timeMs: number): Batch {
  const payloads: Buffer[] = []
  const undos: Undo[] = []
  for (const event of events) {
    const seq = state.at.seq + 1
    const payload = encodeEntry(seq, prevOf(state, event), timeMs, event)
    const done = step(state, payload)
    if (isRefusal(done)) {
      for (const undo of undos.reverse()) undo()
      throw toFault(done)
    }
    payloads.push(payload)
    undos.push(done.undo)
  }
  return { payloads, undos }
}

/**
 * Verifies payloads that must follow `state` and end in a head; `state` is moved on to it. Every signature is
 * checked; the state hash once, at the end: a fold that went astray before it cannot come out right there.
 */
export function verifyRun(
  state: State,
  payloads: readonly Uint8Array[],
): { readonly head: Head; readonly undos: readonly Undo[] } | Refusal {
  const undos: Undo[] = []
  const back = (refusal: Refusal): Refusal => {
    for (const undo of undos.reverse()) undo()
    return refusal
  }
  let head: Head | null = null
  let entries = 0
  let bytes = 0
  for (const payload of payloads) {
    if (kindOf(payload) === 'entry') {
      bytes += payload.length
      if (++entries > batchEntriesMax || bytes > batchBytesMax)
        return back(refuse('protocol', 'A batch is larger than a batch may be.'))
      const done = step(state, payload)
      if (isRefusal(done)) return back(done)
      undos.push(done.undo)
      head = null
      continue
    }
    if (kindOf(payload) !== 'head' || entries === 0)
      return back(refuse('protocol', 'Something stands in the log that is neither an entry nor its head.'))
    const next = readHead(payload)
    if (isRefusal(next)) return back(next)
    const fault = headFault(next, state, 'signature')
    if (fault) return back(fault)
    const before = state.at
    state.at = { ...before, timeMs: next.timeMs }
    undos.push(() => {
      state.at = before
    })
    head = next
    entries = 0
    bytes = 0
  }
  if (!head) return back(refuse('protocol', 'A run of entries does not end in a signed head.'))
  const fault = stateFault(head, state)
  return fault ? back(fault) : { head, undos }
}
