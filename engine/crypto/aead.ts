/** Authenticated encryption: AES-256-GCM, the tag of 16 bytes behind the ciphertext. */
import { createCipheriv, createDecipheriv } from 'node:crypto'

export const aeadNonceBytes = 12
export const aeadTagBytes = 16
const cipher = 'aes-256-gcm'

export function sealBox(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, bound: Uint8Array): Buffer {
  const box = createCipheriv(cipher, key, nonce, { authTagLength: aeadTagBytes })
  box.setAAD(bound)
  return Buffer.concat([box.update(plain), box.final(), box.getAuthTag()])
}

/** Null when anything but what was sealed, where it was sealed, is given. */
export function openBox(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  bound: Uint8Array,
): Buffer | null {
  if (sealed.length < aeadTagBytes) return null
  const box = createDecipheriv(cipher, key, nonce, { authTagLength: aeadTagBytes })
  box.setAAD(bound)
  box.setAuthTag(sealed.subarray(sealed.length - aeadTagBytes))
  try {
    return Buffer.concat([box.update(sealed.subarray(0, sealed.length - aeadTagBytes)), box.final()])
  } catch {
    // OpenSSL says no more than that it does not fit.
    return null
  }
}
