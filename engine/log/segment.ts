/**
 * Segments: numbered files, each beginning with a header and a base. Named after the first entry that follows
 * the base. Always holds: a segment appears whole (header, base, head of the base) and durable under its name,
 * or not at all.
 */
import { crc32 } from 'node:zlib'
import { foldVersion as knownVersion } from '../../schemas/event/index.ts'
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import type { Ids } from '../env/ids.ts'
import { State } from '../fold/state.ts'
import { readBase } from './base.ts'
import { type Head, readHead } from './head.ts'
import { RecordReader, writeRecords } from './record.ts'

const magic = Buffer.from('STEMMALG', 'latin1')
const format = 1
export const segmentHeaderBytes = 64
const suffix = '.seg'
const tempMark = 'new-'

export type SegmentHeader = {
  readonly logId: Buffer
  readonly foldVersion: number
  /** The entry that the base stands at; 0 when the log begins here. */
  readonly baseSeq: number
  readonly baseParts: number
}

export const segmentName = (firstSeq: number): string => `${String(firstSeq).padStart(16, '0')}${suffix}`

/** First entry numbers of the segments in a folder, ascending. */
export async function listSegments(disk: Disk, dir: string): Promise<number[]> {
  const names = ((await disk.list(dir)) ?? []).map((entry) => entry.name)
  return names.filter((name) => /^[0-9]{16}\.seg$/.test(name)).map((name) => Number(name.slice(0, 16)))
}

/** Removes what a crash left of segments that never got their name. */
export async function sweepSegments(disk: Disk, dir: string): Promise<void> {
  for (const { name } of (await disk.list(dir)) ?? []) {
    if (name.startsWith(tempMark)) await disk.unlink(`${dir}/${name}`)
  }
}

export function writeHeader(header: SegmentHeader): Buffer {
  const out = Buffer.alloc(segmentHeaderBytes)
  magic.copy(out, 0)
  out.writeUInt16BE(format, 8)
  out.writeUInt32BE(header.foldVersion, 12)
  header.logId.copy(out, 16)
  out.writeBigUInt64BE(BigInt(header.baseSeq), 32)
  out.writeUInt32BE(header.baseParts, 40)
  out.writeUInt32BE(crc32(out.subarray(0, 60)), 60)
  return out
}

export function readHeader(bytes: Buffer): SegmentHeader | Refusal {
  if (bytes.length !== segmentHeaderBytes || !bytes.subarray(0, 8).equals(magic))
    return refuse('log-damaged', 'A segment of the log does not begin as one.')
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32BE(60))
    return refuse('log-damaged', 'The header of a segment is damaged.')
  if (bytes.readUInt16BE(8) !== format)
    return refuse('upgrade-needed', 'The log is written in a format that this stemma does not know.')
  return {
    foldVersion: bytes.readUInt32BE(12),
    logId: Buffer.from(bytes.subarray(16, 32)),
    baseSeq: Number(bytes.readBigUInt64BE(32)),
    baseParts: bytes.readUInt32BE(40),
  }
}

/** Writes a new segment under its name, durable; returns its length. */
export async function createSegment(
  disk: Disk,
  ids: Ids,
  dir: string,
  header: SegmentHeader,
  payloads: readonly Uint8Array[],
): Promise<number> {
  const temp = `${dir}/${tempMark}${ids.name()}`
  const file = await disk.open(temp, 'create', 0o600)
  let named = false
  try {
    const body = writeRecords(payloads)
    try {
      await file.write([writeHeader(header), body], 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(temp, `${dir}/${segmentName(header.baseSeq + 1)}`)
    named = true
    await disk.syncDir(dir)
    return segmentHeaderBytes + body.length
  } finally {
    if (!named) await disk.unlink(temp)
  }
}

export type Opened = {
  readonly header: SegmentHeader
  /** The state at the base, verified against its head; null for a base that was not asked for. */
  readonly state: State | null
  readonly baseHead: Head | null
  /** Where the records after the base begin. */
  readonly bodyAt: number
}

/** Reads header and base of an open segment. */
export async function openSegment(file: DiskFile, withState: boolean): Promise<Opened | Refusal> {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  const got = await file.read(bytes, 0)
  const header = readHeader(bytes.subarray(0, got))
  if (isRefusal(header)) return header
  if (header.foldVersion > knownVersion)
    return refuse('upgrade-needed', 'The log is folded by rules that this stemma does not know.')
  if (header.baseSeq === 0 && header.baseParts > 0) return broken(40)
  if (header.baseSeq === 0)
    return { header, state: withState ? new State() : null, baseHead: null, bodyAt: segmentHeaderBytes }
  const reader = new RecordReader(file, segmentHeaderBytes, (await file.stat()).size)
  const parts: Buffer[] = []
  for (let run = await reader.next(); run !== null; run = await reader.next()) {
    for (const record of run) {
      if (parts.length < header.baseParts) {
        if (record.kind !== 'part') return broken(record.at)
        parts.push(record.payload)
        continue
      }
      const head = record.kind === 'head' ? readHead(record.payload) : broken(record.at)
      if (isRefusal(head)) return head
      if (head.seq !== header.baseSeq || !head.logId.equals(header.logId)) return broken(record.at)
      if (head.foldVersion !== header.foldVersion) return broken(record.at)
      const state = withState ? readBase(parts, head) : null
      if (isRefusal(state)) return refuse('log-damaged', `The base of a segment is damaged: ${state.why}`)
      return { header, state, baseHead: head, bodyAt: record.end }
    }
  }
  return broken(reader.damage?.at ?? segmentHeaderBytes)
}

const broken = (at: number): Refusal =>
  refuse('log-damaged', `The base of a segment is damaged at byte ${at}.`, { at })
