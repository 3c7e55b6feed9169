/**
 * The one form that nearly every entry of a log has, read in one pass: a plain file that was put, under a plain name,
 * as a master writes it.
 * Always holds: what comes out is what the door for all entries makes of the same bytes (`entry.ts`); whatever is not
 * of exactly this form, sound or not, is left to that door.
 */
import type { Entry } from '../../schemas/event/index.ts'
import { fileBytesMax } from '../../schemas/limits.ts'
import { isPlainPath } from '../../schemas/path.ts'
import { hashBytes } from '../../schemas/signable.ts'
import { encode } from '../codec/msgpack.ts'

/** An entry is an array of five. */
const opening = Buffer.of(0x95)
const hashLead = Buffer.of(0xc4, hashBytes)
/** The fields of the body, in the order in which a master gives them; a map of four has no other fields, and none twice. */
const putLead = Buffer.concat([encode('file.put'), Buffer.of(0x84), encode('path')])
const execLead = encode('exec')
const sizeLead = encode('size')
const blobLead = Buffer.concat([encode('blob'), hashLead])

/** Where the reading is. Reused: it is synchronous. */
let at = 0

export function readPlain(data: Uint8Array): Entry | null {
  if (!Buffer.isBuffer(data)) return null
  at = 0
  if (!passes(data, opening)) return null
  const seq = takeCount(data)
  if (seq < 0 || !passes(data, hashLead)) return null
  const prev = takeHash(data)
  const timeMs = takeCount(data)
  if (timeMs < 0 || !passes(data, putLead)) return null
  const path = takeText(data)
  if (!isPlainPath(path) || !passes(data, execLead)) return null
  const truth = data[at++]
  if ((truth !== 0xc2 && truth !== 0xc3) || !passes(data, sizeLead)) return null
  const size = takeCount(data)
  if (size < 0 || size > fileBytesMax || !passes(data, blobLead) || at + hashBytes !== data.length)
    return null
  const blob = takeHash(data)
  return { seq, prev, timeMs, type: 'file.put', body: { path, exec: truth === 0xc3, size, blob } }
}

function passes(data: Buffer, lead: Buffer): boolean {
  for (let i = 0; i < lead.length; i++) if (data[at + i] !== lead[i]) return false
  at += lead.length
  return true
}

/** A whole number; -1 for what is none, or is written in a way that a master does not write. */
function takeCount(data: Buffer): number {
  const lead = data[at++] ?? 0xff
  if (lead < 0x80) return lead
  const from = at
  switch (lead) {
    case 0xcc:
      at += 1
      return at > data.length ? -1 : data.readUInt8(from)
    case 0xcd:
      at += 2
      return at > data.length ? -1 : data.readUInt16BE(from)
    case 0xce:
      at += 4
      return at > data.length ? -1 : data.readUInt32BE(from)
    case 0xcb: {
      at += 8
      const value = at > data.length ? -1 : data.readDoubleBE(from)
      return Number.isSafeInteger(value) && value > 0 ? value : -1
    }
    default:
      return -1
  }
}

/** Shorter than a hash when the data ends in it: nothing can follow then. */
function takeHash(data: Buffer): Buffer {
  at += hashBytes
  return data.subarray(at - hashBytes, at)
}

/** Byte by byte, which is what ASCII is; of other text it makes what is no plain path. Empty when it is none. */
function takeText(data: Buffer): string {
  const lead = data[at++] ?? 0
  let length = 0
  if (lead >= 0xa0 && lead < 0xc0) length = lead & 0x1f
  else if (lead === 0xd9) length = data[at++] ?? 0
  else if (lead === 0xda && at + 2 <= data.length) {
    length = data.readUInt16BE(at)
    at += 2
  }
  at += length
  return at > data.length ? '' : data.toString('latin1', at - length, at)
}
