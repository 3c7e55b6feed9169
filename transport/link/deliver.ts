/**
 * Sends file contents that the other side asked for, within its credit.
 * Always holds: small contents share a message, large ones are cut into parts; what cannot be read in full and
 * good order is named as lacking instead (never sent half).
 */
import type { Blobs } from '../../engine/blobs/blobs.ts'
import { fromHash, toHash } from '../../engine/crypto/hash.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { blobPartBytesMax, creditEntries } from '../../schemas/limits.ts'
import type { BlobPart } from '../../schemas/wire/index.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { Credit } from './credit.ts'
import { say } from './talk.ts'

export async function deliver(
  wire: Wire,
  blobs: Blobs,
  credit: Credit,
  hashes: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  let parts: BlobPart[] = []
  let bytes = 0
  const flush = async () => {
    if (parts.length === 0) return
    await credit.take({ entries: 0, bytes }, signal)
    await say(wire, { t: 'blob', parts })
    parts = []
    bytes = 0
  }
  for (const raw of hashes) {
    const hash = toHash(raw)
    const content = await open(blobs, hash)
    if (content === null) {
      await flush()
      await say(wire, { t: 'lack', hashes: [fromHash(hash)] })
      continue
    }
    let at = 0
    for await (const piece of content.pieces) {
      if (bytes + piece.length > blobPartBytesMax || parts.length >= creditEntries) await flush()
      parts.push([raw, at, piece, content.size])
      bytes += piece.length
      at += piece.length
    }
  }
  await flush()
}

type Content = { readonly size: number; readonly pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array> }

/** A content that is known to be sound: a small one is read here, a large one hashed before its first part goes out. */
async function open(blobs: Blobs, hash: Hash): Promise<Content | null> {
  const size = await blobs.sizeOf(hash)
  if (size === null) return null
  if (size > blobPartBytesMax) return (await blobs.isSound(hash)) ? { size, pieces: blobs.read(hash) } : null
  const small = await blobs.readWhole(hash)
  return small === null ? null : { size: small.length, pieces: [small] }
}
