/**
 * A box that only one X25519 key opens, from a sender that is thrown away: nacl.box with the nonce derived from both
 * public keys, as sealed boxes do. The one place where tweetnacl is imported.
 * Layout: ephemeral public key (32), then the box.
 */
import nacl from 'tweetnacl'
import type { Ids } from '../env/ids.ts'
import { sha256 } from './hash.ts'
import type { SealKey } from './x25519.ts'

export const boxOverheadBytes = nacl.box.publicKeyLength + nacl.box.overheadLength

const nonceFor = (sender: Uint8Array, recipient: Uint8Array): Buffer =>
  sha256(Buffer.concat([sender, recipient])).subarray(0, nacl.box.nonceLength)

export function sealTo(ids: Ids, recipient: Uint8Array, plain: Uint8Array): Buffer {
  const sender = nacl.box.keyPair.fromSecretKey(ids.bytes(nacl.box.secretKeyLength))
  const box = nacl.box(plain, nonceFor(sender.publicKey, recipient), recipient, sender.secretKey)
  return Buffer.concat([sender.publicKey, box])
}

/** Null when it was not sealed to this key, or was altered. */
export function openSealed(key: SealKey, sealed: Uint8Array): Buffer | null {
  if (sealed.length < boxOverheadBytes) return null
  const sender = sealed.subarray(0, nacl.box.publicKeyLength)
  const plain = nacl.box.open(
    sealed.subarray(nacl.box.publicKeyLength),
    nonceFor(sender, key.public),
    sender,
    key.private,
  )
  return plain && Buffer.from(plain)
}
