/**
 * Lines: consecutive entries and the signed head that they lead to. What a peer sends of a log is judged as a line
 * where it contradicts ours: only a line proves that two histories carry one signature.
 * Always holds: in a line every entry names the hash of the one before it, and the head was signed for the last.
 */
import { entryTuple } from '../../schemas/event/index.ts'
import { isRefusal } from '../../schemas/fault.ts'
import { decode } from '../codec/msgpack.ts'
import { sha256 } from '../crypto/hash.ts'
import type { KeyHistory } from '../fold/keys.ts'
import { type Head, readHead, signatureFault } from './head.ts'
import { kindOf } from './record.ts'

export type Line = { readonly head: Head; readonly records: readonly Uint8Array[] }

type Link = { readonly seq: number; readonly prev: Uint8Array; readonly hash: Buffer }

/** The line that payloads begin with, up to their first head; null when they do not begin with one. */
export function firstLine(
  payloads: readonly Uint8Array[],
  keys: Pick<KeyHistory, 'logId' | 'logKey'>,
): Line | null {
  const at = payloads.findIndex((payload) => kindOf(payload) === 'head')
  const records = payloads.slice(0, at + 1)
  const signed = records.at(-1)
  const head = signed ? readHead(signed) : null
  if (head === null || isRefusal(head) || signatureFault(head, keys)) return null
  let last: Link | null = null
  for (const payload of records.slice(0, -1)) {
    const link = linkOf(payload)
    if (link === null || (last && (link.seq !== last.seq + 1 || !last.hash.equals(link.prev)))) return null
    last = link
  }
  return last?.seq === head.seq && last.hash.equals(head.entry) ? { head, records } : null
}

/** Whether a line cannot be part of the log that `ours` is a head of. False where it says nothing about that entry. */
export function contradicts({ records, head }: Line, ours: Head): boolean {
  for (const payload of records.slice(0, -1)) {
    const link = linkOf(payload)
    if (link?.seq === ours.seq) return !link.hash.equals(ours.entry)
    if (link?.seq === ours.seq + 1) return !ours.entry.equals(link.prev)
  }
  return head.seq === ours.seq && !head.entry.equals(ours.entry)
}

/** Payloads without the entries up to `seq`, and without the heads of those. */
export function behind(payloads: readonly Uint8Array[], seq: number): readonly Uint8Array[] {
  const from = payloads.findIndex(
    (payload) => kindOf(payload) === 'entry' && (linkOf(payload)?.seq ?? 0) > seq,
  )
  return from === -1 ? [] : payloads.slice(from)
}

function linkOf(payload: Uint8Array): Link | null {
  const tuple = decode(payload, entryTuple, 'An entry')
  return isRefusal(tuple) ? null : { seq: tuple[0], prev: tuple[1], hash: sha256(payload) }
}
