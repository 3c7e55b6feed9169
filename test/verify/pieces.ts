/** Segments cut into their header and records, and put together again. */
import { crc32 } from 'node:zlib'
import { type RecordKind, readRecord, recordHeaderBytes } from '../../engine/log/record.ts'
import { segmentHeaderBytes } from '../../engine/log/segment.ts'
import { assert } from '../../schemas/fault.ts'

export type Piece = {
  readonly kind: RecordKind | 'header'
  readonly at: number
  readonly end: number
  readonly payload: Buffer
}

/** The header, then every record. */
export function cut(segment: Buffer): Piece[] {
  const header = segment.subarray(0, segmentHeaderBytes)
  const out: Piece[] = [{ kind: 'header', at: 0, end: segmentHeaderBytes, payload: header }]
  for (let at = segmentHeaderBytes; at < segment.length; ) {
    const record = readRecord(segment, at, 0)
    assert(record !== 'short' && 'kind' in record, 'a segment of a test is whole')
    out.push({ kind: record.kind, at, end: record.end, payload: record.payload })
    at = record.end
  }
  return out
}

/** The segment with one bit flipped; `sealed`: and with a checksum that fits again. */
export function flipped(
  segment: Buffer,
  { kind, at, end }: Piece,
  byte: number,
  bit: number,
  sealed: boolean,
) {
  const out = Buffer.from(segment)
  out[byte] = (out[byte] ?? 0) ^ (1 << bit)
  if (sealed && kind === 'header') out.writeUInt32BE(crc32(out.subarray(0, crcAt)), crcAt)
  else if (sealed) out.writeUInt32BE(crc32(out.subarray(at + recordHeaderBytes, end)), at + 4)
  return out
}

/** The bytes of a piece that a new checksum leaves for others to judge. */
export function meantBytes({ kind, at, end }: Piece): number[] {
  const bytes = Array.from({ length: end - at }, (_, i) => at + i)
  if (kind !== 'header') return bytes.slice(recordHeaderBytes)
  return bytes.filter((byte) => byte < crcAt && !reserved(byte))
}

/** The checksum of a header is its last field; before it and in its midst is room for later formats. */
const crcAt = 60
const reserved = (byte: number): boolean => byte === 10 || byte === 11 || byte >= 44
