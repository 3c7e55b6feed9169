/** The guard before the decoder: what it lets pass, what it refuses and why (T11, Q3). */
import { describe, expect, test } from 'vitest'
import { scanFault } from '../../../engine/codec/scan.ts'
import { msgpackDepthMax, msgpackItemsMax } from '../../../schemas/limits.ts'
import { array32, arrayOf, bin, bin32, hex, join, map32, mapOf, str } from './wild.ts'

const nested = (depth: number, head: Buffer, inner: Buffer) =>
  join(...new Array<Buffer>(depth).fill(head), inner)
const nil = hex('c0')
const pairs = (count: number) =>
  join(mapOf(count), ...Array.from({ length: count }, (_, i) => join(str(`k${i}`), nil)))

const accepted: Readonly<Record<string, Buffer>> = {
  'a small number': hex('00'),
  'the largest fixint': hex('7f'),
  'a negative fixint': hex('e0'),
  'nothing, no and yes': hex('93 c0 c2 c3'),
  'every width of whole numbers': hex(
    '98 cc80 cd8000 ce80000000 cf0000000080000000 d080 d18000 d280000000 d3ffffffff80000000',
  ),
  'a double': hex('cb 3ff8000000000000'),
  'empty containers': hex('94 90 80 dc0000 df00000000'),
  'text and bytes of every width': hex('96 a161 d90161 da000161 db0000000161 c40161 c6000000 0161'),
  'empty text and empty bytes': hex('93 a0 d900 c400'),
  'text beyond ASCII': str('grüße 😀'),
  'a mark within text': str('a\ufeff'),
  'a map': pairs(32),
  'the same key in two maps': join(arrayOf(2), pairs(3), pairs(3)),
  'the deepest nesting': nested(msgpackDepthMax, arrayOf(1), nil),
  'the deepest nesting, by maps': nested(msgpackDepthMax, join(mapOf(1), str('k')), nil),
  'an empty container below the deepest': nested(msgpackDepthMax, arrayOf(1), arrayOf(0)),
  'as many values as may be': join(array32(msgpackItemsMax - 1), Buffer.alloc(msgpackItemsMax - 1)),
}

const refused: Readonly<Record<string, readonly [bytes: Buffer, why: RegExp]>> = {
  'no bytes': [hex(''), /too early/],
  'a reserved byte': [hex('c1'), /extension or a reserved/],
  'a float32': [hex('ca 3f800000'), /float32/],
  'every fixed extension': [hex('d4 00 00'), /extension/],
  'a record of msgpackr': [hex('d4 72 40 91 a161'), /extension/],
  'a timestamp': [hex('d6 ff 00000000'), /extension/],
  'an extension with a length': [hex('c7 01 00 00'), /extension/],
  'a long extension': [hex('c9 ffffffff 00'), /extension/],
  'bytes behind the end': [hex('c0 c0'), /follow its end/],
  'an array that lacks a value': [hex('92 c0'), /too early/],
  'a map that lacks a value': [hex('81 a161'), /too early/],
  'a claim of four billion values': [array32(0xffffffff), /too early/],
  'a claim of four billion pairs': [map32(0xffffffff), /too many keys|too early/],
  'an array that claims more than bytes follow': [join(arrayOf(9), Buffer.alloc(8)), /too early/],
  'text that claims more': [str('abc', 4), /too early/],
  'bytes that claim four billion': [bin32(Buffer.alloc(8), 0xffffffff), /too early/],
  'bytes that claim one more': [bin(Buffer.alloc(8), 9), /too early/],
  'text that is no UTF-8': [str(hex('c3 28')), /not UTF-8/],
  'an overlong NUL': [str(hex('c0 80')), /not UTF-8/],
  'half of a surrogate pair': [str(hex('ed a0 80')), /not UTF-8/],
  'text beyond Unicode': [str(hex('f4 90 80 80')), /not UTF-8/],
  'text cut within a character': [str(hex('61 e2 82')), /not UTF-8/],
  'a mark in front of short text': [str('\ufeffabc'), /byte-order/],
  'a mark in front of long text': [str(`\ufeff${'a'.repeat(100)}`), /byte-order/],
  'a key twice': [join(mapOf(2), str('a'), nil, str('a'), nil), /twice/],
  'a key twice, in another width': [join(mapOf(2), str('a'), nil, hex('d90161'), nil), /twice/],
  'a key twice, far apart': [join(mapOf(3), str('a'), pairs(5), str('b'), nil, str('a'), nil), /twice/],
  'an empty key twice': [join(mapOf(2), str(''), nil, str(''), nil), /twice/],
  'a number as key': [hex('81 01 c0'), /not text/],
  'bytes as key': [hex('81 c40161 c0'), /not text/],
  'an array as key': [hex('81 90 c0'), /not text/],
  'a map as key': [hex('81 81 a161 c0 c0'), /not text/],
  'a key that is longer than any name': [join(mapOf(1), str('k'.repeat(65)), nil), /too long/],
  'too many keys': [pairs(33), /too many keys/],
  'one level too deep': [nested(msgpackDepthMax + 1, arrayOf(1), nil), /too deeply/],
  'one level too deep, by maps': [nested(msgpackDepthMax + 1, join(mapOf(1), str('k')), nil), /too deeply/],
  'six kilobytes of array headers': [Buffer.alloc(6000, 0x91), /too deeply/],
  'six kilobytes of wide array headers': [nested(1200, array32(1), nil), /too deeply/],
  'one value too many': [join(array32(msgpackItemsMax), Buffer.alloc(msgpackItemsMax)), /too many values/],
}

describe('T11: what passes', () => {
  for (const [name, bytes] of Object.entries(accepted)) test(name, () => expect(scanFault(bytes)).toBeNull())
})
describe('T11: what does not', () => {
  for (const [name, [bytes, why]] of Object.entries(refused))
    test(name, () => expect(scanFault(bytes)).toMatch(why))
})

test('T11: cut off at any byte, what passes no longer does', () => {
  for (const [name, bytes] of Object.entries(accepted))
    for (let length = 0; length < Math.min(bytes.length, 300); length++)
      expect(scanFault(bytes.subarray(0, length)), `${name}, ${length} bytes`).not.toBeNull()
})

test('T11: bytes in front of and behind a view are not looked at', () => {
  for (const bytes of Object.values(accepted)) {
    const room = join(hex('c1c1c1'), bytes, hex('c1c1c1'))
    expect(scanFault(room.subarray(3, 3 + bytes.length))).toBeNull()
  }
})

test('T11: one pass leaves nothing behind that the next one sees', () => {
  expect(scanFault(hex('94 81 a161 92'))).not.toBeNull()
  expect(scanFault(hex('81 a161 c0'))).toBeNull()
  expect(scanFault(hex('81 a161 c0'))).toBeNull()
})

/** Frames of the largest size that keep the pass busy as long as they can. */
const busy: Readonly<Record<string, (bytes: number) => Buffer>> = {
  bytes: (size) => bin32(Buffer.alloc(size - 5)),
  text: (size) => {
    const text = Buffer.alloc(size - 5, 'ü')
    const head = Buffer.of(0xdb, 0, 0, 0, 0)
    head.writeUInt32BE(text.length & ~1, 1)
    return join(head, text.subarray(0, text.length & ~1))
  },
  'long keys': (size) => {
    const one = join(
      mapOf(32),
      ...Array.from({ length: 32 }, (_, i) =>
        join(str(`${'k'.repeat(62)}${String(i).padStart(2, '0')}`), nil),
      ),
    )
    const count = Math.floor(Math.min(size / one.length, msgpackItemsMax / 66))
    return join(array32(count), ...new Array<Buffer>(count).fill(one))
  },
  'keys that are refused': (size) => {
    const key = Buffer.alloc(Math.floor(size / 32) - 4, 'k')
    return join(mapOf(32), ...Array.from({ length: 32 }, () => join(str(key), nil)))
  },
}

test('T11: the pass is linear: four times the frame is no sixteen times the work', () => {
  // Processor time, not the clock on the wall: other tests run beside this one.
  const worked = (bytes: Buffer) => {
    let best = Infinity
    for (let round = 0; round < 12; round++) {
      const from = process.cpuUsage()
      scanFault(bytes)
      const { user, system } = process.cpuUsage(from)
      best = Math.min(best, (user + system) / 1000)
    }
    return best
  }
  for (const [name, make] of Object.entries(busy)) {
    worked(make(64 * 1024))
    const small = worked(make(256 * 1024))
    expect(worked(make(1024 * 1024)), name).toBeLessThan(Math.max(10 * small, 10))
  }
})
