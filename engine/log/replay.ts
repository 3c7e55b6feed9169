/**
 * Folds the records of one segment onto a state, and tells a torn tail from damage in the middle.
 * Always holds: on return the state is that of the last good head; whatever lies behind it is described, never
 * used. What an older stemma cannot understand is no damage: it ends in a fault and the file stays as it is.
 */
import { isRefusal, type Refusal, toFault } from '../../schemas/fault.ts'
import { signedHeadBytes } from '../../schemas/signable.ts'
import type { DiskFile } from '../disk/disk.ts'
import type { State, Undo } from '../fold/state.ts'
import { step } from '../fold/step.ts'
import { type Head, headFault, readHead, stateFault } from './head.ts'
import { type Damage, RecordReader, readRecord, recordHeaderBytes } from './record.ts'

/** Signature and state hash of every head, the signatures only, or both of the last one; chain and order always. */
export type Care = 'every' | 'signatures' | 'last'

export type Replay = {
  /** The last good head; null when none follows the base. */
  readonly head: Head | null
  /** Where the good part ends: behind the last good head. */
  readonly end: number
  /** Why reading stopped before the end of the file, if it did. */
  readonly damage: Damage | null
  /** Entries behind the last good head that belong to no batch (a torn tail, or damage). */
  readonly loose: boolean
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
  let damage: Damage | null = null
  let undos: Undo[] = []
  const stop = (at: number, why: string) => {
    damage = { at, why }
  }
  reading: for (let run = await reader.next(); run !== null; run = await reader.next()) {
    for (const record of run) {
      if (record.kind === 'entry') {
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
      end = record.end
      undos = []
      // Entries may follow no earlier than the head before them.
      state.at = { ...state.at, timeMs: Math.max(state.at.timeMs, next.timeMs) }
    }
  }
  damage ??= reader.damage
  const loose = undos.length > 0
  for (const undo of undos.reverse()) undo()
  if (head) {
    const fault = headFault(head, state, 'signature') ?? stateFault(head, state)
    if (fault) damage = { at: from, why: fault.why }
  }
  return { head, end, damage, loose }
}

function mustKnow(refusal: Refusal): void {
  if (refusal.refused === 'upgrade-needed') throw toFault(refusal)
}

/**
 * How many heads of this log, newer than `state`, lie behind `from` with their checksum intact. One may belong to the
 * batch that a power cut tore (its sectors reach the disk in any order); two mean that an acknowledged batch is
 * damaged. Signatures are not asked for: the damaged batch may be the one that changed the key.
 */
export async function headsBehind(file: DiskFile, from: number, to: number, state: State): Promise<number> {
  const logId = state.keys?.logId
  const overlap = recordHeaderBytes + signedHeadBytes
  if (!logId || to - from < overlap) return 0
  let found = 0
  let seq = state.at.seq
  const window = Buffer.alloc(windowBytes)
  for (let at = from; at + overlap <= to; at += windowBytes - overlap) {
    const got = await file.read(window.subarray(0, Math.min(windowBytes, to - at)), at)
    const data = window.subarray(0, got)
    for (let i = data.indexOf(headLength); i !== -1; i = data.indexOf(headLength, i + 1)) {
      const record = readRecord(data, i, at)
      if (record === 'short' || !('kind' in record) || record.kind !== 'head') continue
      const head = readHead(record.payload)
      if (isRefusal(head) || head.seq <= seq || !head.logId.equals(logId)) continue
      seq = head.seq
      if (++found > 1) return found
    }
  }
  return found
}

const windowBytes = 4 * 1024 * 1024
/** Where a record of a head's length may begin. */
const headLength = Buffer.from([0, 0, 0, signedHeadBytes])
