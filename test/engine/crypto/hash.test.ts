/** SHA-256 in one piece, in many, and between hex and bytes. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { fromHash, hasher, sha256, sha256Hex, toHash } from '../../../engine/crypto/hash.ts'
import { isHash } from '../../../schemas/shape.ts'
import { Random } from '../../sim/random.ts'

/** FIPS 180-4, and the empty message. */
const vectors: Readonly<Record<string, string>> = {
  '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
}

test('the vectors of the standard', () => {
  for (const [text, hex] of Object.entries(vectors)) {
    expect(sha256Hex(Buffer.from(text))).toBe(hex)
    expect(sha256(Buffer.from(text)).toString('hex')).toBe(hex)
    expect(isHash(sha256Hex(Buffer.from(text)))).toBe(true)
  }
})

test('pieces give what the whole gives, wherever it is cut', () => {
  const random = new Random(20260106)
  for (let round = 0; round < 50; round++) {
    const whole = random.bytes(random.below(5000))
    const digest = hasher()
    for (let at = 0; at < whole.length; ) {
      const length = random.below(700)
      digest.update(whole.subarray(at, at + length))
      at += length
    }
    expect(digest.hex()).toBe(createHash('sha256').update(whole).digest('hex'))
  }
})

test('hex and bytes are each other, for views of a larger buffer too', () => {
  const hash = sha256Hex(Buffer.from('abc'))
  const room = Buffer.concat([Buffer.alloc(7, 9), fromHash(hash), Buffer.alloc(7, 9)])
  expect(toHash(room.subarray(7, 39))).toBe(hash)
  expect(toHash(new Uint8Array(room.buffer, room.byteOffset + 7, 32))).toBe(hash)
  expect(fromHash(hash)).toHaveLength(32)
})
