/** Seal epochs: which followers can open the secrets that are live now. */
import { bytes, bytesUpTo, countUpTo } from '../shape.ts'
import { hashBytes } from '../signable.ts'
import { event } from './shape.ts'

export const sealedGrantBytesMax = 256
const epoch = countUpTo(0xffffffff)

/** A new epoch: all grants of the one before end with it. The first is 1; each is the next number. */
export const epochStarted = event('epoch.started', { epoch })

/** The epoch key, sealed to one follower's X25519 key. */
export const epochGranted = event(
  'epoch.granted',
  { epoch, follower: bytes(hashBytes), sealed: bytesUpTo(sealedGrantBytesMax) },
  ['sealed'],
)

/**
 * The blob with the data keys of all live secrets, wrapped by the epoch key, was replaced. The log names only the
 * newest: older ones, and the keys in them, can be shredded while the chain still verifies.
 */
export const wrapsPut = event('wraps.put', { epoch, blob: bytes(hashBytes) })
