/** The keys that a log stands on, after its charter. */

import { bytes, v } from '../shape.ts'
import { hashBytes, signatureBytes } from '../signable.ts'
import { event } from './shape.ts'

const role = v.picklist(['log', 'node'])

/** Continuity: the old key vouches for the new one, and the new one shows that it is held. */
export const keyRotated = event('key.rotated', {
  role,
  key: bytes(hashBytes),
  byOld: bytes(signatureBytes),
  byNew: bytes(signatureBytes),
})

/** The old key is lost or stolen: the recovery key vouches. */
export const keyRecovered = event('key.recovered', {
  role,
  key: bytes(hashBytes),
  byRecovery: bytes(signatureBytes),
  byNew: bytes(signatureBytes),
})
