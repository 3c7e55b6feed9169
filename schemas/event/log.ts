/** The log itself: its charter, and the version of the rules by which it is folded. */

import { bytes, countUpTo } from '../shape.ts'
import { hashBytes, logIdBytes, signatureBytes } from '../signable.ts'
import { event } from './shape.ts'

/** The first entry of every log, and only the first. */
export const logChartered = event('log.chartered', {
  logId: bytes(logIdBytes),
  logKey: bytes(hashBytes),
  nodeKey: bytes(hashBytes),
  recoveryKey: bytes(hashBytes),
  foldVersion: countUpTo(0xffff),
  byLog: bytes(signatureBytes),
  byNode: bytes(signatureBytes),
})

/** From here on entries follow the rules of `version`; a reader that does not know it stops here. */
export const foldUpgraded = event('fold.upgraded', { version: countUpTo(0xffff) })
