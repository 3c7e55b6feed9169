/** What a master that was restored from a backup has to fetch with the entries that it takes back (S59). */
import { isRefusal } from '../schemas/fault.ts'
import type { Hash } from '../schemas/shape.ts'
import type { Blobs } from './blobs/blobs.ts'
import { toHash } from './crypto/hash.ts'
import { decodeEntry } from './fold/entry.ts'
import { namedByWraps } from './secrets/reader.ts'

/**
 * Blobs that these entries name and that are not here. Where the ciphertexts of secrets are stands in the wraps: once
 * those are here, another call names them.
 */
export async function lacking(payloads: readonly Uint8Array[], blobs: Blobs): Promise<Hash[]> {
  const live = new Map<string, Hash>()
  let wraps: Hash | null = null
  for (const payload of payloads) {
    const sealed = decodeEntry(payload)
    if (isRefusal(sealed)) continue
    const { entry } = sealed
    if (entry.type === 'file.put') live.set(entry.body.path, toHash(entry.body.blob))
    else if (entry.type === 'file.removed') live.delete(entry.body.path)
    else if (entry.type === 'wraps.put') wraps = toHash(entry.body.blob)
  }
  const named = wraps === null ? [] : [wraps, ...(await namedByWraps(wraps, blobs))]
  const out = new Set<Hash>()
  for (const hash of [...live.values(), ...named]) if (!(await blobs.has(hash))) out.add(hash)
  return [...out]
}
