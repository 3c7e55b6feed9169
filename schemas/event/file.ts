/** Plain files of the canonical home. */
import { fileBytesMax } from '../limits.ts'
import { bytes, countUpTo, homePath, v } from '../shape.ts'
import { hashBytes } from '../signable.ts'
import { event } from './shape.ts'

/** A file has this content now. `blob` is the SHA-256 of the content, `size` its length. */
export const filePut = event('file.put', {
  path: homePath,
  exec: v.boolean(),
  size: countUpTo(fileBytesMax),
  blob: bytes(hashBytes),
})

export const fileRemoved = event('file.removed', { path: homePath })
