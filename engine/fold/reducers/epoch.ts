/** Seal epochs, numbered from 1. Only the current epoch's grants are part of the state. */
import type { Hash } from '../../../schemas/shape.ts'
import { hashBytes } from '../../../schemas/signable.ts'
import { toHash } from '../../crypto/hash.ts'
import type { Change, State } from '../state.ts'
import { against, copy, type Reducer } from './shape.ts'

export const currentEpochKey = 'current'

/** 0 before the first. */
export function currentEpoch(state: State): number {
  const row = state.maps.epochs.get(currentEpochKey)
  return row?.kind === 'current' ? row.epoch : 0
}

/** The blob with the wrapped data keys of the current epoch; null while it has none. */
export function currentWraps(state: State): Hash | null {
  const row = state.maps.epochs.get(currentEpochKey)
  return row?.kind === 'current' && row.wraps.some((byte) => byte !== 0) ? toHash(row.wraps) : null
}

/** A new epoch has no wraps until its own are put. */
const noWraps = new Uint8Array(hashBytes)

export const epochStarted: Reducer<'epoch.started'> = (state, body) => {
  const next = currentEpoch(state) + 1
  if (body.epoch !== next) return against(`The next seal epoch is ${next}, not ${body.epoch}.`)
  const changes: Change[] = []
  for (const key of state.maps.epochs.rows().keys()) changes.push({ section: 'epochs', key, row: null })
  changes.push({
    section: 'epochs',
    key: currentEpochKey,
    row: { kind: 'current', epoch: next, wraps: noWraps },
  })
  return { changes }
}

export const epochGranted: Reducer<'epoch.granted'> = (state, body) => {
  const id = toHash(body.follower)
  const follower = state.maps.followers.get(id)
  if (follower?.kind !== 'follower' || follower.revokedMs !== 0)
    return against('A seal epoch is granted to enrolled followers only.')
  if (body.epoch === 0 || body.epoch !== currentEpoch(state))
    return against('Only the current seal epoch can be granted.')
  return {
    changes: [
      {
        section: 'epochs',
        key: id,
        row: { kind: 'grant', epoch: body.epoch, follower: copy(body.follower), sealed: copy(body.sealed) },
      },
    ],
  }
}

export const wrapsPut: Reducer<'wraps.put'> = (state, body) =>
  body.epoch === 0 || body.epoch !== currentEpoch(state)
    ? against('Data keys are wrapped for the current seal epoch only.')
    : {
        changes: [
          {
            section: 'epochs',
            key: currentEpochKey,
            row: { kind: 'current', epoch: body.epoch, wraps: copy(body.blob) },
          },
        ],
      }
