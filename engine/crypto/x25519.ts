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
  const publicKey = createPublicKey(
    createPrivateKey({ key: sealPkcs8(secret), format: 'der', type: 'pkcs8' }),
  )
  return {
    private: Buffer.from(secret),
    public: publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiPrefixBytes),
  }
}

/** The private key as files carry it: 48 bytes of DER. */
export function sealPkcs8(secret: Uint8Array): Buffer {
  assert(secret.length === 32, 'an X25519 key has 32 bytes')
  return Buffer.concat([pkcs8Prefix, secret])
}
