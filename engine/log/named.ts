/** Which contents a run of entries names, and still names at its end. */
import { isRefusal } from '../../schemas/fault.ts'
import type { Hash } from '../../schemas/shape.ts'
import { toHash } from '../crypto/hash.ts'
import { decodeEntry } from '../fold/entry.ts'

/** Contents of plain files, and the newest wraps; what cannot be read is passed over, the fold refuses it. */
export function namedIn(payloads: readonly Uint8Array[]): {
  readonly files: readonly Hash[]
  readonly wraps: Hash | null
} {
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
  return { files: [...live.values()], wraps }
}
