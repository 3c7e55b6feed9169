/** A canonical file as the rest of the engine holds it: hashes in hex. */
import type { HomePath } from '../../schemas/path.ts'
import type { FileRow } from '../../schemas/section.ts'
import type { Hash } from '../../schemas/shape.ts'
import { toHash } from '../crypto/hash.ts'

export type CanonFile = {
  readonly exec: boolean
  readonly size: number
  readonly blob: Hash
  /** Holds secrets: for its owner alone, wherever it is written. */
  readonly secret?: boolean
}
export type CanonFiles = ReadonlyMap<HomePath, CanonFile>

/** Made once for each row: rows never change in place, and are asked for as often as anything in the home changes. */
const made = new WeakMap<FileRow, CanonFile>()
export function toCanonFile(row: FileRow): CanonFile {
  const there = made.get(row)
  if (there) return there
  const file = { exec: row.exec, size: row.size, blob: toHash(row.blob) }
  made.set(row, file)
  return file
}
