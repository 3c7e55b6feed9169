/**
 * X25519 seal keys: the raw halves that a sealed box needs.
 * Always holds: a public half is derived by OpenSSL from the private one, never stored in its place.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { assert } from '../../schemas/fault.ts'

export type SealKey = { readonly private: Buffer; readonly public: Buffer }

/** PKCS8 (RFC 8410) up to the private bytes; SPKI up to the public ones. */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const spkiPrefixBytes = 12

/** Both halves, from 32 random bytes. */
export function sealKey(secret: Uint8Array): SealKey {
  const der = sealPkcs8(secret)
  const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return {
    private: der.subarray(pkcs8Prefix.length),
    public: publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiPrefixBytes),
  }
}

/**
 * The private key as files carry it: 48 bytes of DER. The five bits that X25519 ignores are set as it would
 * (RFC 7748, 5), so that one key has one form.
 */
export function sealPkcs8(secret: Uint8Array): Buffer {
  assert(secret.length === 32, 'an X25519 key has 32 bytes')
  const clamped = Buffer.from(secret)
  clamped[0] = (clamped[0] ?? 0) & 0xf8
  clamped[31] = ((clamped[31] ?? 0) & 0x7f) | 0x40
  return Buffer.concat([pkcs8Prefix, clamped])
}
