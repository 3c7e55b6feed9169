/** How a message is declared: `t` names it, the rest is its body. */
import { basePartBytesMax, blobPartBytesMax, creditEntries, entryBytesMax, fileBytesMax } from '../limits.ts'
import { bytes, bytesUpTo, countUpTo, v } from '../shape.ts'
import { hashBytes } from '../signable.ts'

/** The version of this protocol; both sides must name the same one. A test pins the schema to it. */
export const wireVersion = 1

export const message = <const T extends string, const F extends v.ObjectEntries>(t: T, fields: F) =>
  v.strictObject({ t: v.literal(t), ...fields })

/** Payloads of entries and heads, as they lie in the log. */
export const records = v.pipe(
  v.array(bytesUpTo(Math.max(entryBytesMax, basePartBytesMax))),
  v.maxLength(creditEntries),
)
/** A piece of a file: which blob, where it begins, its bytes, and the blob's whole size. */
export const blobPart = v.strictTuple([
  bytes(hashBytes),
  countUpTo(fileBytesMax),
  bytesUpTo(blobPartBytesMax),
  countUpTo(fileBytesMax),
])
export type BlobPart = v.InferOutput<typeof blobPart>
export const blobParts = v.pipe(v.array(blobPart), v.maxLength(creditEntries))
