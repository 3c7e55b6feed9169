/**
 * Secret files of the canonical home. An entry names a random content id that changes only when the
 * plaintext does; ciphertext, size and data key are elsewhere, so that they can be shredded.
 */
import { bytes, homePath, v } from '../shape.ts'
import { event } from './shape.ts'

export const contentIdBytes = 16

export const secretPut = event('secret.put', {
  path: homePath,
  exec: v.boolean(),
  content: bytes(contentIdBytes),
})
export const secretRemoved = event('secret.removed', { path: homePath })
