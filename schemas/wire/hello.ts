/**
 * The first message of each side. The follower speaks first: it has already checked the pinned key inside TLS.
 */

import { rows } from '../section.ts'
import { bytes, count, name, platform, v } from '../shape.ts'
import { signatureBytes, signedHeadBytes } from '../signable.ts'
import { keyRotationsMax, sealKeyBytes } from './bounds.ts'
import { message } from './shape.ts'

/** Who asks, and the newest signed head that it has stored (S59). `follow`: stay and be told of what comes. */
export const upHello = message('hello', {
  version: count,
  name,
  platform,
  seal: bytes(sealKeyBytes),
  head: v.nullable(bytes(signedHeadBytes)),
  follow: v.boolean(),
})

/** The key history from the charter on, the newest head, and the proof that the log key is behind this channel. */
export const downHello = message('hello', {
  version: count,
  keys: v.pipe(v.array(rows.keys), v.minLength(1), v.maxLength(keyRotationsMax + 1)),
  head: bytes(signedHeadBytes),
  proof: bytes(signatureBytes),
})

/** The enrolment waits for approval; the link stays open. */
export const downWait = message('wait', {})
