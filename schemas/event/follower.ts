/** Machines that may replay this log, and whether new ones must wait for approval. */
import { bytes, name, platform, v } from '../shape.ts'
import { hashBytes } from '../signable.ts'
import { event } from './shape.ts'

/** `node` is the raw Ed25519 key of its certificate: its identity. `seal` is its X25519 key. */
export const followerEnrolled = event('follower.enrolled', {
  node: bytes(hashBytes),
  seal: bytes(hashBytes),
  name,
  platform,
})

/** For ever: an enrolment of the same key is refused afterwards. */
export const followerRevoked = event('follower.revoked', { follower: bytes(hashBytes) })

/** `approve`: a new follower waits for `master approve`. */
export const enrolmentChanged = event('enrolment.changed', { approve: v.boolean() })
