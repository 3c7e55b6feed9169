/**
 * Records: length (u32), CRC-32 of the payload (u32), payload. A payload is an entry, a head or a base part,
 * told apart by its first byte. The CRC finds accidents; the hash chain and the signatures find everything else.
 */
import { crc32 } from 'node:zlib'
import { basePartBytesMax, entryBytesMax } from '../../schemas/limits.ts'
import type { DiskFile } from '../disk/disk.ts'
import { partLead } from './base.ts'
import { headLead } from './head.ts'

export const recordHeaderBytes = 8
const payloadBytesMax = Math.max(entryBytesMax, basePartBytesMax)
const entryLead = 0x95

export type RecordKind = 'entry' | 'head' | 'part'
export type LogRecord = {
  readonly kind: RecordKind
  readonly payload: Buffer
  readonly at: number
  readonly end: number
}
export type Damage = { readonly at: number; readonly why: string }

export function kindOf(payload: Uint8Array): RecordKind | null {
  switch (payload[0]) {
    case entryLead:
      return 'entry'
    case headLead:
      return 'head'
    case partLead:
      return 'part'
    default:
      return null
  }
}

/** The bytes of records with these payloads, in one piece. */
export function writeRecords(payloads: readonly Uint8Array[]): Buffer {
  const out = Buffer.allocUnsafe(
    payloads.reduce((sum, payload) => sum + recordHeaderBytes + payload.length, 0),
  )
  let at = 0
  for (const payload of payloads) {
    at = out.writeUInt32BE(payload.length, at)
    at = out.writeUInt32BE(crc32(payload), at)
    out.set(payload, at)
    at += payload.length
  }
  return out
}

/** The record at `at` of `data`; `short` when its end is not in `data`. */
export function readRecord(data: Buffer, at: number, offset: number): LogRecord | Damage | 'short' {
  if (at + recordHeaderBytes > data.length) return 'short'
  const length = data.readUInt32BE(at)
  if (length === 0 || length > payloadBytesMax)
    return { at: offset + at, why: 'a record has an impossible length' }
  const from = at + recordHeaderBytes
  if (from + length > data.length) return 'short'
  const payload = data.subarray(from, from + length)
  if (crc32(payload) !== data.readUInt32BE(at + 4))
    return { at: offset + at, why: 'a record does not match its checksum' }
  const kind = kindOf(payload)
  if (!kind) return { at: offset + at, why: 'a record is of no known kind' }
  return { kind, payload, at: offset + at, end: offset + from + length }
}

const chunkBytes = 1024 * 1024

/** Reads the records of an open file in runs, from `from` to `to`, until the end or the first damage. */
export class RecordReader {
  readonly #file: DiskFile
  readonly #to: number
  #at: number
  #rest: Buffer = Buffer.alloc(0)
  /** Why reading ended before `to`, once `next` has returned null. */
  damage: Damage | null = null

  constructor(file: DiskFile, from: number, to: number) {
    this.#file = file
    this.#at = from
    this.#to = to
  }

  /** The next run of whole records; null at the end or at damage. */
  async next(): Promise<LogRecord[] | null> {
    while (this.damage === null) {
      const start = this.#at
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, this.#to - start - this.#rest.length))
      const got = chunk.length === 0 ? 0 : await this.#file.read(chunk, start + this.#rest.length)
      const data =
        this.#rest.length === 0 ? chunk.subarray(0, got) : Buffer.concat([this.#rest, chunk.subarray(0, got)])
      const run: LogRecord[] = []
      let at = 0
      for (;;) {
        const record = readRecord(data, at, start)
        if (record === 'short') break
        if (!('kind' in record)) {
          this.damage = record
          break
        }
        run.push(record)
        at = record.end - start
      }
      this.#at = start + at
      this.#rest = data.subarray(at)
      if (got === 0 && this.damage === null && this.#rest.length > 0)
        this.damage = { at: this.#at, why: 'the last record is cut off' }
      if (run.length > 0) return run
      if (got === 0) return null
    }
    return null
  }
}
