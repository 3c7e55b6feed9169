/**
 * The guard before any msgpack decoder: one linear pass over bytes from outside.
 * Always holds: what passes has one value, no extension, no float32, no duplicate, long or non-text map key, text
 * that is valid UTF-8 without a byte-order mark in front, and stays within `msgpackDepthMax` and
 * `msgpackItemsMax`. The pass itself neither recurses nor allocates more than its depth (a 6 kB frame of nested
 * array headers can kill an unguarded decoder, T11).
 */
import { isUtf8 } from 'node:buffer'
import { msgpackDepthMax, msgpackItemsMax } from '../../schemas/limits.ts'

/** More fields than this has no message of ours. */
const mapKeysMax = 32
/** Longer than any field's name. Keys are compared with one another, so this is what keeps the pass linear. */
const mapKeyBytesMax = 64

const array = 1
const map = 2

/** What the pass remembers of the containers that are open. Reused: the pass is synchronous. */
const kinds = new Uint8Array(msgpackDepthMax + 1)
const left = new Uint32Array(msgpackDepthMax + 1)
const keyAt = new Uint32Array((msgpackDepthMax + 1) * mapKeysMax)
const keyEnd = new Uint32Array((msgpackDepthMax + 1) * mapKeysMax)
const keyCount = new Uint8Array(msgpackDepthMax + 1)

/** @returns why the bytes must not be decoded, or null. */
export function scanFault(data: Uint8Array): string | null {
  const end = data.length
  const view = new DataView(data.buffer, data.byteOffset, end)
  let at = 0
  let depth = 0
  let items = 0
  kinds[0] = 0
  do {
    if (at >= end) return 'it ends too early'
    if (++items > msgpackItemsMax) return 'it holds too many values'
    const start = at
    const lead = data[at++] ?? 0
    let length = -1
    let opens = 0
    // In the order of how often they occur.
    if (lead < 0x80 || lead >= 0xe0) length = 0
    else if (lead < 0x90) {
      opens = map
      length = lead & 0x0f
    } else if (lead < 0xa0) {
      opens = array
      length = lead & 0x0f
    } else if (lead < 0xc0) length = lead & 0x1f
    else {
      const need = headerBytes(lead)
      if (need < 0) return lead === 0xca ? 'it holds a float32' : 'it holds an extension or a reserved byte'
      if (at + need > end) return 'it ends too early'
      switch (lead) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          length = 0
          break
        case 0xc4:
        case 0xd9:
          length = view.getUint8(at)
          break
        case 0xc5:
        case 0xda:
          length = view.getUint16(at)
          break
        case 0xc6:
        case 0xdb:
          length = view.getUint32(at)
          break
        case 0xdc:
          opens = array
          length = view.getUint16(at)
          break
        case 0xdd:
          opens = array
          length = view.getUint32(at)
          break
        case 0xde:
          opens = map
          length = view.getUint16(at)
          break
        case 0xdf:
          opens = map
          length = view.getUint32(at)
          break
        default:
          // Numbers: the header is the value.
          length = 0
      }
      at += need
    }
    const text = (lead >= 0xa0 && lead < 0xc0) || (lead >= 0xd9 && lead <= 0xdb)
    if (opens === 0) {
      if (length > end - at) return 'it ends too early'
      if (text && length > 0) {
        if (!textIsSound(data, at, at + length)) return 'it holds text that is not UTF-8'
        if (hasMark(data, at, length)) return 'it holds text with a byte-order mark'
      }
    }

    // The place of this value in its container: keys of a map are the even ones.
    if (depth > 0 && kinds[depth] === map && ((left[depth] ?? 0) & 1) === 0) {
      if (!text) return 'it holds a map key that is not text'
      if (length > mapKeyBytesMax) return 'it holds a map key that is too long'
      if (!freshKey(data, depth, at, at + length)) return 'it holds a map key twice'
    }
    if (opens === 0) at += length
    if (depth > 0) left[depth] = (left[depth] ?? 0) - 1

    if (opens !== 0 && length > 0) {
      if (opens === map && length > mapKeysMax) return 'it holds a map with too many keys'
      // Every value takes a byte at least: a count that cannot be true is refused before it is believed.
      if (length > end - at) return 'it ends too early'
      if (++depth > msgpackDepthMax) return 'it is nested too deeply'
      kinds[depth] = opens
      left[depth] = opens === map ? length * 2 : length
      keyCount[depth] = 0
    }
    while (depth > 0 && left[depth] === 0) depth--
    if (at <= start) return 'it ends too early'
  } while (depth > 0)
  return at === end ? null : 'bytes follow its end'
}

/** Bytes of length or value behind a lead byte from 0xc0 on; -1 for what is refused. */
function headerBytes(lead: number): number {
  switch (lead) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 0
    case 0xc4:
    case 0xcc:
    case 0xd0:
    case 0xd9:
      return 1
    case 0xc5:
    case 0xcd:
    case 0xd1:
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2
    case 0xc6:
    case 0xce:
    case 0xd2:
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return 8
    default:
      return -1
  }
}

function textIsSound(data: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((data[at] ?? 0) > 0x7f) return isUtf8(data.subarray(at, to))
  return true
}

/** Some decoders drop the mark in front of long text and keep it in front of short: one content, two values. */
const hasMark = (data: Uint8Array, at: number, length: number): boolean =>
  length >= 3 && data[at] === 0xef && data[at + 1] === 0xbb && data[at + 2] === 0xbf

function freshKey(data: Uint8Array, depth: number, from: number, to: number): boolean {
  const first = depth * mapKeysMax
  const known = keyCount[depth] ?? 0
  for (let i = first; i < first + known; i++) {
    const other = keyAt[i] ?? 0
    if ((keyEnd[i] ?? 0) - other !== to - from) continue
    let same = true
    for (let j = 0; same && j < to - from; j++) same = data[other + j] === data[from + j]
    if (same) return false
  }
  keyAt[first + known] = from
  keyEnd[first + known] = to
  keyCount[depth] = known + 1
  return true
}
