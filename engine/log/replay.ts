/**
 * Folds the records of one segment onto a state, up to the last good head.
 * Always holds: on return the state is that of the last good head; whatever lies behind it is described, never
 * used. What an older stemma cannot understand is no damage: it ends in a fault and the file stays as it is.
 */
import { isRefusal, type Refusal, toFault } from '../../schemas/fault.ts'
import { batchBytesMax, batchEntriesMax } from '../../schemas/limits.ts'
import type { DiskFile } from '../disk/disk.ts'
import type { State, Undo } from '../fold/state.ts'
import { step } from '../fold/step.ts'
import { takeBack } from './batch.ts'
import { type Head, headFault, readHead, stateFault } from './head.ts'
import { type Damage, RecordReader } from './record.ts'

/** Signature and state hash of every head, the signatures only, or both of the last one; chain and order always. */
export type Care = 'every' | 'signatures' | 'last'

export type Replay = {
  /** The last good head; null when none follows the base. */
  readonly head: Head | null
  /** Where the good part ends: behind the last good head. */
  readonly end: number
  /** Where the batch of that head begins. */
  readonly last: number
  /** Why reading stopped before the end of the file, if it did. */
  readonly damage: Damage | null
}

export async function replay(
  file: DiskFile,
  from: number,
  to: number,
  state: State,
  care: Care,
): Promise<Replay> {
  const reader = new RecordReader(file, from, to)
  let head: Head | null = null
  let end = from
  let last = from
  let damage: Damage | null = null
  let undos: Undo[] = []
  let bytes = 0
  const stop = (at: number, why: string) => {
    damage = { at, why }
  }
  reading: for (let run = await reader.next(); run !== null; run = await reader.next()) {
    for (const record of run) {
      if (record.kind === 'entry') {
        bytes += record.payload.length
        if (undos.length >= batchEntriesMax || bytes > batchBytesMax) {
          stop(record.at, 'a batch is larger than a batch may be')
          break reading
        }
        const done = step(state, record.payload)
        if (isRefusal(done)) {
          mustKnow(done)
          stop(record.at, done.why)
          break reading
        }
        undos.push(done.undo)
        continue
      }
      const next = record.kind === 'head' ? readHead(record.payload) : null
      if (next === null || isRefusal(next)) {
        stop(record.at, 'a record stands where none of its kind can be')
        break reading
      }
      const fault =
        headFault(next, state, care === 'last' ? 'place' : 'signature') ??
        (care === 'every' ? stateFault(next, state) : null)
      if (fault) {
        mustKnow(fault)
        stop(record.at, fault.why)
        break reading
      }
      head = next
      last = end
      end = record.end
      undos = []
      bytes = 0
      // Entries may follow no earlier than the head before them.
      state.at = { ...state.at, timeMs: Math.max(state.at.timeMs, next.timeMs) }
    }
  }
  damage ??= reader.damage
  takeBack(undos)
  if (head) {
    const fault = headFault(head, state, 'signature') ?? stateFault(head, state)
    if (fault) damage = { at: from, why: fault.why }
  }
  return { head, end, last, damage }
}

function mustKnow(refusal: Refusal): void {
  if (refusal.refused === 'upgrade-needed') throw toFault(refusal)
}
