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

/**
 * Turns facts into the next entries of `state`, through the same door as entries from outside. A fact against the
 * rules, or more than one batch may hold, is thrown as a fault.
 */
export function draftBatch(state: State, events: readonly Event[], timeMs: number): Batch {
  const payloads: Buffer[] = []
  const undos: Undo[] = []
  let bytes = 0
  for (const event of events) {
    const seq = state.at.seq + 1
    const payload = encodeEntry(seq, prevOf(state, event), timeMs, event)
    const done = step(state, payload)
    bytes += payload.length
    if (!isRefusal(done)) undos.push(done.undo)
    if (isRefusal(done) || bytes > batchBytesMax) {
      takeBack(undos)
      throw toFault(isRefusal(done) ? done : tooLarge)
    }
    payloads.push(payload)
  }
  return { payloads, undos }
}

/** Undoes steps, the last one first. */
export function takeBack(undos: readonly Undo[]): void {
  for (const undo of undos.toReversed()) undo()
}

/**
 * Cuts payloads into runs, each of them as many whole batches as one batch may hold. What follows the last head is
 * part of the last run, which cannot be accepted then.
 */
export function splitRun(payloads: readonly Uint8Array[]): Uint8Array[][] {
  const runs: Uint8Array[][] = []
  let run: Uint8Array[] = []
  let size = { entries: 0, bytes: 0 }
  let batch: Uint8Array[] = []
  let more = { entries: 0, bytes: 0 }
  const join = () => {
    if (
      run.length > 0 &&
      (size.entries + more.entries > batchEntriesMax || size.bytes + more.bytes > batchBytesMax)
    ) {
      runs.push(run)
      run = []
      size = { entries: 0, bytes: 0 }
    }
    for (const payload of batch) run.push(payload)
    size = { entries: size.entries + more.entries, bytes: size.bytes + more.bytes }
    batch = []
    more = { entries: 0, bytes: 0 }
  }
  for (const payload of payloads) {
    batch.push(payload)
    if (kindOf(payload) === 'head') join()
    else more = { entries: more.entries + 1, bytes: more.bytes + payload.length }
  }
  join()
  if (run.length > 0) runs.push(run)
  return runs
}

export type Run = {
  /** The last one; it vouches for all of the run. */
  readonly head: Head
  /** What is to be stored: the entries, and that head alone. */
  readonly payloads: readonly Uint8Array[]
  readonly undos: readonly Undo[]
}

/**
 * Verifies payloads that must follow `state` and end in a head; `state` is moved on to it. All of them together are
 * no more than one batch. Every signature is checked; the state hash once, at the end: a fold that went astray
 * before it cannot come out right there.
 */
export function verifyRun(state: State, payloads: readonly Uint8Array[]): Run | Refusal {
  const undos: Undo[] = []
  const refused = (refusal: Refusal): Refusal => {
    takeBack(undos)
    return refusal
  }
  const entries: Uint8Array[] = []
  let head: Head | null = null
  let bytes = 0
  for (const payload of payloads) {
    if (kindOf(payload) === 'entry') {
      bytes += payload.length
      if (entries.length >= batchEntriesMax || bytes > batchBytesMax) return refused(tooLarge)
      const done = step(state, payload)
      if (isRefusal(done)) return refused(done)
      undos.push(done.undo)
      entries.push(payload)
      head = null
      continue
    }
    if (kindOf(payload) !== 'head' || entries.length === 0 || head !== null)
      return refused(refuse('protocol', 'Something stands in the log that is neither an entry nor its head.'))
    const next = readHead(payload)
    if (isRefusal(next)) return refused(next)
    const fault = headFault(next, state, 'signature')
    if (fault) return refused(fault)
    const before = state.at
    state.at = { ...before, timeMs: next.timeMs }
    undos.push(() => {
      state.at = before
    })
    head = next
  }
  if (!head) return refused(refuse('protocol', 'A run of entries does not end in a signed head.'))
  const fault = stateFault(head, state)
  return fault ? refused(fault) : { head, payloads: [...entries, head.bytes], undos }
}

const tooLarge = refuse('protocol', 'A batch is larger than a batch may be.')
