/**
 * Grants: the key of one seal epoch, for one follower.
 * Always holds: what a grant opens to begins with log, epoch and follower that it was made for; in any other place it
 * is refused, though the box itself opens.
 */
import { type Refusal, refuse } from '../../schemas/fault.ts'
import { grantBytes } from '../../schemas/signable.ts'
import { openSealed, sealTo } from '../crypto/box.ts'
import type { SealKey } from '../crypto/x25519.ts'
import type { Ids } from '../env/ids.ts'

export const epochKeyBytes = 32
export type GrantPlace = { readonly logId: Uint8Array; readonly epoch: number; readonly follower: Uint8Array }

export const makeGrant = (ids: Ids, place: GrantPlace, seal: Uint8Array, epochKey: Uint8Array): Buffer =>
  sealTo(ids, seal, Buffer.concat([grantBytes(place), epochKey]))

export function openGrant(key: SealKey, place: GrantPlace, sealed: Uint8Array): Buffer | Refusal {
  const bound = grantBytes(place)
  const plain = openSealed(key, sealed)
  if (plain?.length === bound.length + epochKeyBytes && plain.subarray(0, bound.length).equals(bound))
    return plain.subarray(bound.length)
  return refuse('bad-signature', 'The grant of the seal epoch was not made for this machine.')
}
