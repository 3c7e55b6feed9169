/**
 * Tells a torn tail from damage in the middle, by the traces of heads behind the last good one.
 * A write holds one head, and the write before it was durable. So what a power cut leaves of the last write holds one
 * head at most, whole or not, whatever order its sectors reached the disk in; a second one shows that an acknowledged
 * batch is among the bytes. Always holds: damage to one place does not hide a head, since it is known by its length,
 * its tag and its log id, most of which must be there; neither checksum nor signature is asked for (the damaged batch
 * may be the one that changed the key).
 */
import { logIdBytes, signedHeadBytes, tags } from '../../schemas/signable.ts'
import type { DiskFile } from '../disk/disk.ts'
import { recordHeaderBytes } from './record.ts'

const tag = Buffer.from(`${tags.head}\0`, 'latin1')
const length = Buffer.from([0, 0, 0, signedHeadBytes])
/** Bytes from the beginning of a head's record to the end of its log id. */
const traceBytes = recordHeaderBytes + tag.length + logIdBytes
/** Of length, tag and log id together so many may differ: a damaged byte or a few, not half of it. */
const spoiltMax = 4
const windowBytes = 4 * 1024 * 1024

/** Traces of heads of this log in a file between two places, counted up to two. */
export async function headsBehind(
  file: DiskFile,
  from: number,
  to: number,
  logId: Uint8Array,
): Promise<number> {
  const found = new Set<number>()
  const window = Buffer.alloc(windowBytes)
  for (let at = from; at + traceBytes <= to; at += windowBytes - traceBytes) {
    const got = await file.read(window.subarray(0, Math.min(windowBytes, to - at)), at)
    const data = window.subarray(0, got)
    for (const place of candidates(data)) if (isTrace(data, place, logId)) found.add(at + place)
    if (found.size > 1) break
  }
  return Math.min(found.size, 2)
}

/** Where a head's record may begin: by its length, and by its tag, of which one is whole. */
function* candidates(data: Buffer): Generator<number> {
  for (let i = data.indexOf(length); i !== -1; i = data.indexOf(length, i + 1)) yield i
  for (let i = data.indexOf(tag); i !== -1; i = data.indexOf(tag, i + 1)) yield i - recordHeaderBytes
}

function isTrace(data: Buffer, at: number, logId: Uint8Array): boolean {
  if (at < 0 || at + traceBytes > data.length) return false
  const parts: readonly (readonly [number, Uint8Array])[] = [
    [at, length],
    [at + recordHeaderBytes, tag],
    [at + recordHeaderBytes + tag.length, logId],
  ]
  let spoilt = 0
  for (const [from, whole] of parts)
    for (const [i, byte] of whole.entries()) if (data[from + i] !== byte) spoilt++
  return spoilt <= spoiltMax
}
