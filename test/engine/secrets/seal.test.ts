/** Ciphertexts, grants and wraps open whole, in their own place, and nowhere else. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { sha256, sha256Hex } from '../../../engine/crypto/hash.ts'
import { sealKey } from '../../../engine/crypto/x25519.ts'
import { makeGrant, openGrant } from '../../../engine/secrets/grant.ts'
import { openSecret, sealSecret } from '../../../engine/secrets/seal.ts'
import { type Epoch, type LiveKey, openWraps, readWraps, writeWraps } from '../../../engine/secrets/wraps.ts'
import { sealedGrantBytesMax } from '../../../schemas/event/epoch.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { secretBytesMax, secretsMax } from '../../../schemas/limits.ts'
import { SimIds } from '../../sim/ids.ts'

const bytes = (length: number, fill: number) => Buffer.alloc(length, fill)
const logId = bytes(16, 1)
const otherLog = bytes(16, 2)
const refusedAs = (value: unknown) => (isRefusal(value) ? value.refused : value)
function* flipped(whole: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const copy = Buffer.from(whole)
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield copy
  }
}

describe('S9: a sealed content', () => {
  const place = { logId, content: bytes(16, 3) }
  const seal = (plain: Buffer, ids = new SimIds(1)) => {
    const done = sealSecret(ids, place, plain)
    assert(!isRefusal(done), 'it is small enough')
    return done
  }

  test('gives back any content, and does not show it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (array) => {
        const plain = Buffer.from(array)
        const { sealed, key } = seal(plain)
        expect(openSecret(key, place, sealed)).toEqual(plain)
        expect(sealed.length).toBe(plain.length + 16)
        if (plain.length > 8) expect(sealed.includes(plain)).toBe(false)
      }),
    )
  })

  test('does not open with any bit flipped, shortened, or with another key', () => {
    const { sealed, key } = seal(Buffer.from('sk-canary'))
    for (const wrong of flipped(sealed))
      expect(refusedAs(openSecret(key, place, wrong))).toBe('bad-signature')
    for (const wrong of flipped(key))
      expect(refusedAs(openSecret(wrong, place, sealed))).toBe('bad-signature')
    for (let length = 0; length < sealed.length; length++)
      expect(refusedAs(openSecret(key, place, sealed.subarray(0, length)))).toBe('bad-signature')
    expect(refusedAs(openSecret(key, place, Buffer.concat([sealed, bytes(1, 0)])))).toBe('bad-signature')
  })

  test('opens in its own log, under its own content id, only', () => {
    const { sealed, key } = seal(Buffer.from('sk-canary'))
    expect(refusedAs(openSecret(key, { ...place, logId: otherLog }, sealed))).toBe('bad-signature')
    expect(refusedAs(openSecret(key, { ...place, content: bytes(16, 4) }, sealed))).toBe('bad-signature')
  })

  test('two seals of one content have nothing in common', () => {
    const ids = new SimIds(1)
    const [one, two] = [seal(bytes(64, 0), ids), seal(bytes(64, 0), ids)]
    expect(one.key.equals(two.key)).toBe(false)
    expect(one.sealed.equals(two.sealed)).toBe(false)
  })

  test('Q3: has a limit', () => {
    expect(isRefusal(sealSecret(new SimIds(1), place, Buffer.alloc(secretBytesMax)))).toBe(false)
    expect(refusedAs(sealSecret(new SimIds(1), place, Buffer.alloc(secretBytesMax + 1)))).toBe('refused')
  })
})

describe('S9: a grant', () => {
  const key = sealKey(sha256(Buffer.from('machine')))
  const other = sealKey(sha256(Buffer.from('other machine')))
  const place = { logId, epoch: 7, follower: bytes(32, 5) }
  const epochKey = bytes(32, 9)
  const grant = makeGrant(new SimIds(1), place, key.public, epochKey)

  test('opens for its machine, and fits into its entry', () => {
    expect(openGrant(key, place, grant)).toEqual(epochKey)
    expect(grant.length).toBeLessThanOrEqual(sealedGrantBytesMax)
    expect(grant.includes(epochKey)).toBe(false)
  })

  test('is closed to another machine, and means nothing elsewhere', () => {
    expect(refusedAs(openGrant(other, place, grant))).toBe('bad-signature')
    for (const elsewhere of [
      { ...place, logId: otherLog },
      { ...place, epoch: 8 },
      { ...place, follower: bytes(32, 6) },
    ])
      expect(refusedAs(openGrant(key, elsewhere, grant))).toBe('bad-signature')
  })

  test('is refused when altered in any bit, cut, or too long inside', () => {
    for (const wrong of flipped(grant)) {
      const opened = openGrant(key, place, wrong)
      // X25519 ignores the top bit of a public key; the nonce is made of the bytes as they are.
      expect(refusedAs(opened)).toBe('bad-signature')
    }
    for (let length = 0; length < grant.length; length++)
      expect(refusedAs(openGrant(key, place, grant.subarray(0, length)))).toBe('bad-signature')
    for (const length of [0, 31, 33])
      expect(
        refusedAs(openGrant(key, place, makeGrant(new SimIds(1), place, key.public, bytes(length, 9)))),
      ).toBe('bad-signature')
  })
})

describe('N4: wraps', () => {
  const epoch: Epoch = { logId, epoch: 3, key: bytes(32, 7) }
  const live = (n: number): LiveKey => ({
    content: bytes(16, n),
    sealed: sha256Hex(bytes(1, n)),
    sealedBytes: 100 + n,
    key: bytes(32, 100 + n),
  })
  const blob = writeWraps(new SimIds(1), epoch, [live(1), live(2)])
  const open = (of: Buffer, under = epoch) => {
    const read = readWraps(of)
    return isRefusal(read) ? read : openWraps(read, under)
  }

  test('give back every key, and show none', () => {
    expect(open(blob)).toEqual([live(1), live(2)])
    expect(open(writeWraps(new SimIds(1), epoch, []))).toEqual([])
    expect(blob.includes(live(1).key)).toBe(false)
  })

  test('open for their own epoch and log only', () => {
    expect(refusedAs(open(blob, { ...epoch, epoch: 4 }))).toBe('bad-signature')
    expect(refusedAs(open(blob, { ...epoch, logId: otherLog }))).toBe('bad-signature')
    expect(refusedAs(open(blob, { ...epoch, key: bytes(32, 8) }))).toBe('bad-signature')
  })

  test('rows may stand in any order, but not exchange their parts', () => {
    const read = readWraps(blob)
    assert(!isRefusal(read), 'it is well formed')
    const [one, two] = read.rows
    assert(one && two, 'there are two rows')
    const written = (...rows: unknown[]) => Buffer.from(encode([3, rows]))
    expect(open(written(two, one))).toEqual([live(2), live(1)])
    for (let part = 0; part < 4; part++) {
      if (part === 2) continue
      const mixed = one.map((own, at) => (at === part ? two[at] : own))
      expect(refusedAs(open(written(mixed)))).toBe('bad-signature')
    }
    expect(refusedAs(open(written(one, two, one)))).toBe('protocol')
    expect(refusedAs(open(written(one, [one[0], ...two.slice(1)])))).toBe('protocol')
  })

  test('Q3: any bit flipped is refused, and so is what is malformed', () => {
    for (const wrong of flipped(blob)) {
      const opened = open(wrong)
      if (isRefusal(opened)) continue
      // The length of a ciphertext is told for whoever fetches it; the hash beside it is what counts.
      expect(opened.map((one) => ({ ...one, sealedBytes: 0 }))).toEqual(
        [live(1), live(2)].map((one) => ({ ...one, sealedBytes: 0 })),
      )
    }
    for (const wrong of [[3], [3, {}], [3, [[]]], [-1, []], [3, [], 0], 'text', null])
      expect(refusedAs(readWraps(Buffer.from(encode(wrong))))).toBe('protocol')
    expect(refusedAs(readWraps(Buffer.alloc(0)))).toBe('protocol')
    expect(refusedAs(readWraps(blob.subarray(0, blob.length - 1)))).toBe('protocol')
  })

  test('hold as many secrets as a home may have', () => {
    const all = Array.from({ length: secretsMax }, (_, n) => ({
      ...live(1),
      content: sha256(Buffer.from(String(n))).subarray(0, 16),
    }))
    expect(open(writeWraps(new SimIds(1), epoch, all))).toHaveLength(secretsMax)
  })
})
