/** Encoding and decoding: what is made here is read back as it was, and a refusal never shows content. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { check, decode, encode } from '../../../engine/codec/msgpack.ts'
import { scanFault } from '../../../engine/codec/scan.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { msgpackDepthMax } from '../../../schemas/limits.ts'
import { bytes, v } from '../../../schemas/shape.ts'
import { readValue } from './wild.ts'

/** Plain data as the messages and entries are made of. */
const text = fc
  .string({ unit: 'binary', maxLength: 200 })
  .filter((one) => one.isWellFormed() && !one.startsWith('\ufeff'))
const key = fc.string({ maxLength: 20 }).filter((one) => one !== '__proto__')
const whole = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(300)).map((one) => one + 0)
const scalar = fc.oneof(
  text,
  whole,
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((one) => Buffer.from(one)),
)
const plain = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', maxDepth: msgpackDepthMax },
    scalar,
    fc.array(tie('tree'), { maxLength: 40 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 32, noNullPrototype: true }),
  ),
})).tree
const seeded = { seed: 20260101, numRuns: 500 }

test('whatever is encoded of plain data passes the scan and decodes to the same', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const made = encode(value)
      expect(scanFault(made)).toBeNull()
      expect(decode(made, v.unknown(), 'It')).toEqual(value)
      expect(readValue(Buffer.from(made), msgpackDepthMax)?.value).toEqual(value)
    }),
    seeded,
  )
})

test('what was encoded stays as it is while more is encoded', () => {
  const values = Array.from({ length: 3000 }, (_, i) => [i, 'x'.repeat(i % 97), Buffer.alloc(i % 61, i)])
  const made = values.map((value) => encode(value))
  for (const [i, value] of values.entries())
    expect(decode(made[i] ?? Buffer.alloc(0), v.unknown(), 'It')).toEqual(value)
})

test('numbers come back as numbers, in every width that a peer may choose', () => {
  const numbers = [
    0,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    -1,
    -32,
    -33,
  ]
  for (const number of numbers) expect(decode(encode(number), v.unknown(), 'It')).toBe(number)
  const wide = Buffer.concat([Buffer.of(0xcf), Buffer.from('001fffffffffffff', 'hex')])
  expect(decode(wide, v.unknown(), 'It')).toBe(Number.MAX_SAFE_INTEGER)
})

test('text that is not whole never becomes other text unnoticed: it is refused, or replaced before it is hashed', () => {
  for (const broken of ['\ud800', `${'a'.repeat(100)}\udc00`]) {
    const read = decode(encode(broken), v.string(), 'It')
    if (!isRefusal(read)) expect(decode(encode(read), v.string(), 'It')).toBe(read)
  }
})

test('a map key cannot reach the prototype', () => {
  const made = Buffer.from('81a95f5f70726f746f5f5f81a161c3', 'hex')
  const read = decode(made, v.unknown(), 'It')
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  expect(decode(made, v.strictObject({}), 'It')).toMatchObject({ refused: 'protocol' })
})

test('S8: a refusal names the place, never the value', () => {
  const shape = v.strictObject({ outer: v.strictObject({ token: bytes(4) }) })
  const refusal = check({ outer: { token: 'hunter2' } }, shape, 'A thing')
  expect(refusal).toEqual({ refused: 'protocol', why: 'A thing has a wrong shape at outer.token.' })
  const unread = decode(Buffer.from('hunter2 hunter2'), shape, 'A thing')
  expect(JSON.stringify(unread)).not.toContain('hunter2')
  const unknown = check({ outer: { token: Buffer.alloc(4), '\u001b[2Jhunter2': 1 } }, shape, 'A thing')
  expect(unknown).toEqual({ refused: 'protocol', why: 'A thing has a field that is not known.' })
  expect(check({ outer: {} }, shape, 'A thing')).toMatchObject({
    why: 'A thing has a wrong shape at outer.token.',
  })
})
