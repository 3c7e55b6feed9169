/**
 * Wraps between bytes and keys. Always holds: a data key opens only for the epoch, the log, the content and the
 * ciphertext that it was wrapped for; content ids are unique in one blob.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import type { Hash } from '../../schemas/shape.ts'
import { wrapBytes } from '../../schemas/signable.ts'
import { type WrapRow, wrapsShape } from '../../schemas/wraps.ts'
import { decode, encode } from '../codec/msgpack.ts'
import { aeadNonceBytes, openBox, sealBox } from '../crypto/aead.ts'
import { fromHash, toHash } from '../crypto/hash.ts'
import type { Ids } from '../env/ids.ts'

/** A live secret's data key and ciphertext. */
export type LiveKey = {
  readonly content: Buffer
  readonly sealed: Hash
  readonly sealedBytes: number
  readonly key: Buffer
}
export type Epoch = { readonly logId: Uint8Array; readonly epoch: number; readonly key: Uint8Array }
export type Wraps = { readonly epoch: number; readonly rows: readonly WrapRow[] }

export function writeWraps(ids: Ids, epoch: Epoch, live: readonly LiveKey[]): Buffer {
  const rows = live.map((one): WrapRow => {
    const nonce = ids.bytes(aeadNonceBytes)
    const sealed = fromHash(one.sealed)
    const bound = wrapBytes({ logId: epoch.logId, epoch: epoch.epoch, content: one.content, sealed })
    return [
      one.content,
      sealed,
      one.sealedBytes,
      Buffer.concat([nonce, sealBox(epoch.key, nonce, one.key, bound)]),
    ]
  })
  return Buffer.from(encode([epoch.epoch, rows]))
}

export function readWraps(bytes: Uint8Array): Wraps | Refusal {
  const shape = decode(bytes, wrapsShape, 'The list of wrapped keys')
  if (isRefusal(shape)) return shape
  const [epoch, rows] = shape
  const seen = new Set(rows.map(([content]) => Buffer.from(content).toString('hex')))
  return seen.size === rows.length
    ? { epoch, rows }
    : refuse('protocol', 'The list of wrapped keys names a content twice.')
}

/** The data keys that the epoch key opens. */
export function openWraps(wraps: Wraps, epoch: Epoch): LiveKey[] | Refusal {
  if (wraps.epoch !== epoch.epoch)
    return refuse('bad-signature', 'The wrapped keys belong to another seal epoch.')
  const live: LiveKey[] = []
  for (const [content, sealed, sealedBytes, wrapped] of wraps.rows) {
    const bound = wrapBytes({ logId: epoch.logId, epoch: epoch.epoch, content, sealed })
    const key = openBox(
      epoch.key,
      wrapped.subarray(0, aeadNonceBytes),
      wrapped.subarray(aeadNonceBytes),
      bound,
    )
    if (!key) return refuse('bad-signature', 'A wrapped key does not open with the key of its epoch.')
    live.push({ content: Buffer.from(content), sealed: toHash(sealed), sealedBytes, key })
  }
  return live
}
