/** Machines that may replay the log. A revocation is for ever: the row stays, so the same key cannot enrol anew. */
import { followersMax } from '../../../schemas/limits.ts'
import { fingerprint } from '../../crypto/ed25519.ts'
import { toHash } from '../../crypto/hash.ts'
import type { Change } from '../state.ts'
import { against, copy, type Reducer } from './shape.ts'

/** The row that holds the enrolment mode; follower rows are named by 64 hex digits, so the two cannot meet. */
export const enrolmentKey = 'enrolment'

export const followerEnrolled: Reducer<'follower.enrolled'> = (state, body, place) => {
  const id = fingerprint(body.node)
  const known = state.maps.followers.get(id)
  if (known) return against(`Follower ${id.slice(0, 12)} is already known.`)
  if (state.keys?.nodes.includes(id)) return against('The master cannot be its own follower.')
  const others = state.maps.followers.size - (state.maps.followers.has(enrolmentKey) ? 1 : 0)
  if (others >= followersMax) return against(`A log has at most ${followersMax} followers.`)
  return {
    changes: [
      {
        section: 'followers',
        key: id,
        row: {
          kind: 'follower',
          node: copy(body.node),
          seal: copy(body.seal),
          name: body.name,
          platform: body.platform,
          enrolledMs: place.timeMs,
          revokedMs: 0,
        },
      },
    ],
  }
}

export const followerRevoked: Reducer<'follower.revoked'> = (state, body, place) => {
  const id = toHash(body.follower)
  const row = state.maps.followers.get(id)
  if (row?.kind !== 'follower') return against(`Follower ${id.slice(0, 12)} is not known.`)
  if (row.revokedMs !== 0) return against(`Follower ${id.slice(0, 12)} is already revoked.`)
  const changes: Change[] = [
    { section: 'followers', key: id, row: { ...row, revokedMs: Math.max(1, place.timeMs) } },
  ]
  if (state.maps.epochs.has(id)) changes.push({ section: 'epochs', key: id, row: null })
  return { changes }
}

export const enrolmentChanged: Reducer<'enrolment.changed'> = (_state, body) => ({
  changes: [{ section: 'followers', key: enrolmentKey, row: { kind: 'enrolment', approve: body.approve } }],
})
