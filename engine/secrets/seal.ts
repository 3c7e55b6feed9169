/**
 * Secret contents under their own data keys: AES-256-GCM of node:crypto.
 * Always holds: a data key seals one content and is never used again, so the nonce may be constant; content id and
 * log id are authenticated with the ciphertext, which therefore opens in one place of one log only.
 */
import { size } from '../../schemas/amount.ts'
import { type Refusal, refuse } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import { secretBytes } from '../../schemas/signable.ts'
import { openBox, sealBox } from '../crypto/aead.ts'
import type { Ids } from '../env/ids.ts'

export const dataKeyBytes = 32
/** Where a content belongs. */
export type SecretPlace = { readonly logId: Uint8Array; readonly content: Uint8Array }

const once = Buffer.alloc(12)

/** Ciphertext (with its tag behind it) and the data key that opens it. */
export function sealSecret(
  ids: Ids,
  place: SecretPlace,
  plain: Uint8Array,
): { sealed: Buffer; key: Buffer } | Refusal {
  if (plain.length > secretBytesMax)
    return refuse('refused', `A secret file is larger than ${size(secretBytesMax)}.`)
  const key = ids.bytes(dataKeyBytes)
  return { sealed: sealBox(key, once, plain, secretBytes(place)), key }
}

export function openSecret(key: Uint8Array, place: SecretPlace, sealed: Uint8Array): Buffer | Refusal {
  const plain = openBox(key, once, sealed, secretBytes(place))
  return (
    plain ?? refuse('bad-signature', 'A sealed content does not open: it was altered, or belongs elsewhere.')
  )
}
