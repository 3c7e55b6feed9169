/**
 * The wraps: one small blob that says, for every live secret, where its ciphertext is and under which data key,
 * the key wrapped by the epoch key. It is replaced as a whole; the log names the newest one (`wraps.put`), so an
 * older one and the keys in it can be shredded without a trace in the chain (N4).
 */
import { contentIdBytes } from './event/secret.ts'
import { secretBytesMax, secretsMax } from './limits.ts'
import { bytes, countUpTo, v } from './shape.ts'
import { hashBytes } from './signable.ts'

/** nonce 12 + key 32 + tag 16 */
export const wrappedKeyBytes = 60

/** Content id, SHA-256 of its ciphertext, length of the ciphertext, wrapped data key. */
export const wrapRow = v.strictTuple([
  bytes(contentIdBytes),
  bytes(hashBytes),
  countUpTo(secretBytesMax + 16),
  bytes(wrappedKeyBytes),
])
export type WrapRow = v.InferOutput<typeof wrapRow>
export const wrapsShape = v.strictTuple([
  /** The epoch whose key wraps them. */
  countUpTo(0xffffffff),
  v.pipe(v.array(wrapRow), v.maxLength(secretsMax)),
])
