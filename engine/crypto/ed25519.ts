/**
 * Ed25519 by node:crypto: sign, verify strictly, and name a key by its fingerprint.
 * Always holds: a signature has one form. Refused are wrong lengths, S not below L, and keys or R that are
 * non-canonical or of small order (T10). OpenSSL checks S and compares R byte by byte; the rest is checked here,
 * because it takes a small-order key, under which one signature fits many messages.
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as oneSign,
  verify as oneVerify,
} from 'node:crypto'
import { assert } from '../../schemas/fault.ts'
import { verifiersMax } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import { signatureBytes } from '../../schemas/signable.ts'
import { sha256Hex } from './hash.ts'

/** A private key as node:crypto holds it: never printed, never serialised by accident. */
export type PrivateKey = KeyObject

export const keyBytes = 32
export const seedBytes = 32
/** SubjectPublicKeyInfo (RFC 8410) up to the raw key: constant, since every length in it is. */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')
/** PKCS8 (RFC 8410) up to the seed: constant for the same reason. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Verifies strictly; false for anything that is not one canonical signature by this key. Never throws. */
export function verify(rawPublic: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureBytes || !isStrongPoint(signature.subarray(0, 32))) return false
  if (!isBelow(signature.subarray(32), orderBytes)) return false
  const key = verifier(rawPublic)
  return key !== null && oneVerify(null, bytes, key, signature)
}

/** 64 bytes: R and S. */
export const sign = (privateKey: PrivateKey, bytes: Uint8Array): Buffer => oneSign(null, bytes, privateKey)

/** Whether 32 bytes can be a public key at all: canonical and not of small order. */
export const isPublicKey = (raw: Uint8Array): boolean => raw.length === keyBytes && isStrongPoint(raw)

/** The private key that 32 random bytes stand for. */
export const fromSeed = (seed: Uint8Array): PrivateKey =>
  createPrivateKey({ key: pkcs8(seed), format: 'der', type: 'pkcs8' })

/** The private key as files carry it: 48 bytes of DER. */
export function pkcs8(seed: Uint8Array): Buffer {
  assert(seed.length === seedBytes, 'an Ed25519 seed has 32 bytes')
  return Buffer.concat([pkcs8Prefix, seed])
}

/** The raw public half, 32 bytes. */
export function publicOf(privateKey: PrivateKey): Buffer {
  const raw = rawOf(createPublicKey(privateKey))
  assert(raw !== null, 'a private key of ours is Ed25519')
  return raw
}

/** The raw bytes of an Ed25519 public key; null for a key of any other kind. */
export function rawOf(key: KeyObject): Buffer | null {
  if (key.type !== 'public' || key.asymmetricKeyType !== 'ed25519') return null
  const der = key.export({ format: 'der', type: 'spki' })
  return der.subarray(spkiPrefix.length)
}

/** The public key as X.509 carries it: 44 bytes of DER. */
export const spki = (rawPublic: Uint8Array): Buffer => Buffer.concat([spkiPrefix, rawPublic])

/** What a link pins and a follower is called by: the SHA-256 of the SPKI. */
export const fingerprint = (rawPublic: Uint8Array): Hash => sha256Hex(spki(rawPublic))

/** p = 2^255 - 19 and L = 2^252 + 27742317777372353535851937790883648493, little-endian as on the wire. */
const littleEndian = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
const fieldBytes = littleEndian(2n ** 255n - 19n)
const orderBytes = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n)

/** The y coordinates of the eight points of small order; the sign of x is the top bit and is masked away. */
const smallOrder = new Set(
  [
    littleEndian(0n),
    littleEndian(1n),
    littleEndian(2n ** 255n - 20n),
    Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex'),
    Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex'),
  ].map((y) => y.toString('latin1')),
)

function isStrongPoint(encoded: Uint8Array): boolean {
  const y = Buffer.from(encoded)
  y[31] = (y[31] ?? 0) & 0x7f
  return isBelow(y, fieldBytes) && !smallOrder.has(y.toString('latin1'))
}

/** Little-endian comparison. Not constant in time: everything compared here is public. */
function isBelow(value: Uint8Array, bound: Uint8Array): boolean {
  for (let at = bound.length - 1; at >= 0; at--) {
    const a = value[at] ?? 0
    const b = bound[at] ?? 0
    if (a !== b) return a < b
  }
  return false
}

/** Imported keys, the least recently used first: an import costs as much as a verification. */
const verifiers = new Map<string, KeyObject>()

function verifier(rawPublic: Uint8Array): KeyObject | null {
  if (!isPublicKey(rawPublic)) return null
  const name = Buffer.from(rawPublic).toString('latin1')
  const key = verifiers.get(name) ?? createPublicKey({ key: spki(rawPublic), format: 'der', type: 'spki' })
  verifiers.delete(name)
  verifiers.set(name, key)
  if (verifiers.size > verifiersMax) {
    for (const oldest of verifiers.keys()) {
      verifiers.delete(oldest)
      break
    }
  }
  return key
}
