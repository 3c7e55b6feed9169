/** The quick reading of plain entries: it says what the door for all entries says, and leaves to it what that refuses. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { sha256 } from '../../../engine/crypto/hash.ts'
import { encodeEntry, readAny } from '../../../engine/fold/entry.ts'
import { readPlain } from '../../../engine/fold/plain.ts'
import { events } from '../../../schemas/event/index.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { fileBytesMax } from '../../../schemas/limits.ts'
import { mutant } from '../../fuzz/mutate.ts'
import { Random } from '../../sim/random.ts'
import { home, put, removed, secretPut, startMs } from '../fixture.ts'

const prev = sha256(Buffer.from('before'))
const plain = (path = 'skills/a/SKILL.md') => encodeEntry(7, prev, startMs, put(path))
const raw = (body: unknown, ...at: unknown[]) =>
  encode([7, prev, startMs, 'file.put', body].with(0, at[0] ?? 7))

/** @returns whether it was read quickly. */
function agrees(payload: Buffer): boolean {
  const quick = readPlain(payload)
  if (quick === null) return false
  // Asked too often for an `expect` each time.
  if (!isDeepStrictEqual(quick, readAny(payload))) expect.fail(`read otherwise: ${payload.toString('hex')}`)
  return true
}

test('S27: what a master writes of plain files is read quickly, and to the same entry', () => {
  const number = fc.oneof(
    fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000),
    fc.integer({ min: 0, max: fileBytesMax }),
    fc.maxSafeNat(),
  )
  const name = fc.stringMatching(/^[bdefghijkmoq-z_][A-Za-z0-9_.-]{0,90}[A-Za-z0-9_-]$/)
  fc.assert(
    fc.property(
      fc.tuple(number, number, number),
      fc.array(name, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      ([seq, timeMs, size], names, exec) => {
        const path = names.join('/')
        const body = { path: home(path), exec, size: Math.min(size, fileBytesMax), blob: sha256(prev) }
        const payload = encodeEntry(seq, prev, timeMs, { type: 'file.put', body })
        expect(agrees(payload), path).toBe(true)
      },
    ),
  )
})

test('S27, T8: flips, cuts and mutants of an entry are read alike, or left to the door', () => {
  for (const path of ['a', 'skills/a/SKILL.md', `${`${'x'.repeat(110)}/`.repeat(3)}y`]) {
    const sound = plain(path)
    expect(agrees(sound), path).toBe(true)
    for (let at = 0; at < sound.length; at++) {
      expect(agrees(sound.subarray(0, at))).toBe(false)
      for (let value = 0; value < 256; value++) {
        const other = Buffer.from(sound)
        other[at] = value
        agrees(other)
      }
    }
    expect(agrees(Buffer.concat([sound, Buffer.of(0)]))).toBe(false)
  }
  const random = new Random(1)
  const corpus = [plain(), plain('a'), plain('é.md'), encodeEntry(8, prev, startMs, removed('a'))]
  corpus.push(encodeEntry(9, prev, startMs, secretPut('auth.json')))
  let quick = 0
  for (let round = 0; round < 20_000; round++) if (agrees(mutant(corpus, random))) quick++
  // Most damage is to hashes and names, where any byte is as good as another.
  expect(quick).toBeGreaterThan(100)
})

test('T14: what is not plain, or not sound, is left to the door', () => {
  const { body } = put('a')
  const left: [string, Buffer][] = [
    ['a name beyond ASCII', plain('é.md')],
    ['a name with a space', plain('a b')],
    ['a path that steps out', raw({ ...body, path: '../a' })],
    ['an absolute path', raw({ ...body, path: '/a' })],
    ['a device name', raw({ ...body, path: 'con' })],
    ['an empty path', raw({ ...body, path: '' })],
    ['a path that is no text', raw({ ...body, path: 1 })],
    ['a file that is too large', raw({ ...body, size: fileBytesMax + 1 })],
    ['half a byte', raw({ ...body, size: 0.5 })],
    ['less than nothing', raw({ ...body, size: -1 })],
    ['neither true nor false', raw({ ...body, exec: null })],
    ['a short hash', raw({ ...body, blob: prev.subarray(1) })],
    ['a long hash', raw({ ...body, blob: Buffer.concat([prev, prev]) })],
    ['a field more', raw({ ...body, more: 1 })],
    ['a field less', raw({ path: 'a', exec: false, size: 1 })],
    ['a number that no double holds', raw(body, 2 ** 53)],
    [
      'another nothing',
      Buffer.concat([Buffer.of(0x95, 0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0), raw(body).subarray(2)]),
    ],
  ]
  for (const [what, payload] of left) expect(readPlain(payload), what).toBeNull()
  const orders = raw(Object.fromEntries(Object.entries(body).reverse()))
  expect(readPlain(orders)).toBeNull()
  expect(readAny(orders)).toStrictEqual(readAny(raw(body)))
  const refused = left.slice(2, -1).filter(([, payload]) => !isRefusal(readAny(payload)))
  expect(refused).toEqual([])
})

test('the quick reading knows all fields of a put, in their order', () => {
  expect(Object.keys(events['file.put'].body.entries)).toEqual(Object.keys(put('a').body))
  expect(agrees(raw(put('a').body))).toBe(true)
})
