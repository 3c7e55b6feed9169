import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { expect, test } from 'vitest'
import {
  fingerprint,
  fromSeed,
  isPublicKey,
  publicOf,
  rawOf,
  sign,
  spki,
  verify,
} from '../../../engine/crypto/ed25519.ts'
import { sealKey } from '../../../engine/crypto/x25519.ts'
import { verifiersMax } from '../../../schemas/limits.ts'
import { layout, tags } from '../../../schemas/signable.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const order = 2n ** 252n + 27742317777372353535851937790883648493n
const little = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const bytesOf = (value: bigint) => hex(value.toString(16).padStart(64, '0')).reverse()

/** RFC 8032, 7.1, tests 1 to 3: seed, public key, message, signature. */
const vectors = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const

/** The fourteen encodings of the points of small order: canonical, with the other sign, and with y beyond p. */
const weakPoints = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map(hex)

test('T10: the vectors of RFC 8032 come out byte for byte', () => {
  for (const [seed, raw, message, signature] of vectors) {
    const key = fromSeed(hex(seed))
    expect(publicOf(key).toString('hex')).toBe(raw)
    expect(sign(key, hex(message)).toString('hex')).toBe(signature)
    expect(verify(hex(raw), hex(message), hex(signature))).toBe(true)
  }
})

test('T10: tweetnacl agrees on keys and signatures, both ways', () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes, (seed, message) => {
      const key = fromSeed(seed)
      const other = nacl.sign.keyPair.fromSeed(seed)
      expect(publicOf(key).equals(other.publicKey)).toBe(true)
      expect(sign(key, message).equals(nacl.sign.detached(message, other.secretKey))).toBe(true)
      expect(verify(other.publicKey, message, nacl.sign.detached(message, other.secretKey))).toBe(true)
    }),
    { numRuns: 25 },
  )
})

test('T10: one flipped bit anywhere in key, message or signature is refused', () => {
  const key = fromSeed(Buffer.alloc(32, 7))
  const parts = [publicOf(key), Buffer.from('a message'), sign(key, Buffer.from('a message'))] as const
  for (const part of parts) {
    for (let bit = 0; bit < part.length * 8; bit++) {
      part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(verify(...parts)).toBe(false)
      part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
  }
  expect(verify(...parts)).toBe(true)
})

test('T10: S + L is refused, though tweetnacl takes it', () => {
  const key = fromSeed(Buffer.alloc(32, 9))
  const message = Buffer.from('malleable')
  const signature = sign(key, message)
  const s = little(signature.subarray(32)) + order
  const malleated = Buffer.concat([signature.subarray(0, 32), bytesOf(s)])
  expect(nacl.sign.detached.verify(message, malleated, publicOf(key))).toBe(true)
  expect(verify(publicOf(key), message, malleated)).toBe(false)
  const atOrder = Buffer.concat([signature.subarray(0, 32), bytesOf(order)])
  expect(verify(publicOf(key), message, atOrder)).toBe(false)
})

test('T10: keys and R of small order, and encodings beyond p, are refused', () => {
  const message = Buffer.from('any message at all')
  const key = fromSeed(Buffer.alloc(32, 3))
  const good = sign(key, message)
  for (const weak of weakPoints) {
    expect(isPublicKey(weak)).toBe(false)
    // R = A = the weak point and S = 0 satisfies the equation for one message in eight or for all.
    expect(verify(weak, message, Buffer.concat([weak, Buffer.alloc(32)]))).toBe(false)
    expect(verify(publicOf(key), message, Buffer.concat([weak, good.subarray(32)]))).toBe(false)
  }
  for (let over = 0n; over < 19n; over++) {
    expect(isPublicKey(bytesOf(2n ** 255n - 19n + over))).toBe(false)
    expect(isPublicKey(bytesOf(2n ** 255n - 19n + over + 2n ** 255n))).toBe(false)
  }
})

test('T10: wrong lengths and points off the curve are refused, nothing throws', () => {
  const key = fromSeed(Buffer.alloc(32, 3))
  const message = Buffer.from('x')
  const good = sign(key, message)
  for (const length of [0, 31, 33, 64]) expect(verify(Buffer.alloc(length, 5), message, good)).toBe(false)
  for (const length of [0, 32, 63, 65])
    expect(verify(publicOf(key), message, Buffer.alloc(length, 5))).toBe(false)
  // y = 2 belongs to no point.
  expect(verify(bytesOf(2n), message, good)).toBe(false)
})

test('T10: a signature under one tag fits no other', () => {
  const key = fromSeed(Buffer.alloc(32, 11))
  const fields = [{ raw: Buffer.alloc(64, 1) }]
  const names = Object.values(tags)
  for (const signed of names) {
    const signature = sign(key, layout(signed, fields))
    for (const read of names)
      expect(verify(publicOf(key), layout(read, fields), signature)).toBe(read === signed)
  }
})

test('T10: more keys than are kept ready verify as well', () => {
  const message = Buffer.from('many')
  const keys = Array.from({ length: verifiersMax + 8 }, (_, n) => fromSeed(Buffer.alloc(32, n + 1)))
  for (let round = 0; round < 2; round++) {
    for (const key of keys) expect(verify(publicOf(key), message, sign(key, message))).toBe(true)
  }
})

test('S17: the fingerprint is what openssl says of the same key', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stemma-key-'))
  try {
    const key = fromSeed(Buffer.alloc(32, 21))
    const file = join(dir, 'key.pem')
    writeFileSync(file, key.export({ format: 'pem', type: 'pkcs8' }))
    const der = execFileSync('openssl', ['pkey', '-in', file, '-pubout', '-outform', 'DER'])
    expect(der.equals(spki(publicOf(key)))).toBe(true)
    writeFileSync(join(dir, 'm'), 'signed elsewhere')
    execFileSync('openssl', [
      'pkeyutl',
      '-sign',
      '-rawin',
      '-inkey',
      file,
      '-in',
      join(dir, 'm'),
      '-out',
      join(dir, 's'),
    ])
    const signature = execFileSync('cat', [join(dir, 's')])
    expect(verify(publicOf(key), Buffer.from('signed elsewhere'), signature)).toBe(true)
    const digest = execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: der }).toString().slice(0, 64)
    expect(fingerprint(publicOf(key))).toBe(digest)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('S18: keys of any other kind have no raw form', () => {
  expect(rawOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)).toBeNull()
  expect(rawOf(generateKeyPairSync('x25519').publicKey)).toBeNull()
  expect(rawOf(generateKeyPairSync('ed25519').privateKey)).toBeNull()
  expect(rawOf(generateKeyPairSync('ed25519').publicKey)).toHaveLength(32)
})

test('S9: a seal key has the public half that nacl.box derives', () => {
  const secret = Buffer.alloc(32, 77)
  expect(sealKey(secret).public.equals(nacl.box.keyPair.fromSecretKey(secret).publicKey)).toBe(true)
})
