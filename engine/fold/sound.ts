/**
 * What holds of every state that entries led to. A state that was read from a base instead is held to the same:
 * no signature makes it what a fold cannot be.
 */
import { entryBytesMax, filesMax, followersMax } from '../../schemas/limits.ts'
import { rowLayouts } from '../../schemas/section.ts'
import { toHash } from '../crypto/hash.ts'
import { currentEpoch, currentEpochKey } from './reducers/epoch.ts'
import { followersOf } from './reducers/follower.ts'
import { selectionKey } from './reducers/selection.ts'
import type { State } from './state.ts'

/** More rows than a fold lets in. Cheap: asked after every row. */
export const isTooMany = (state: State): boolean =>
  state.maps.files.size + state.maps.secrets.size > filesMax || followersOf(state) > followersMax

/** Why rows of a whole state cannot stand beside each other, or null. */
export function unsound(state: State): string | null {
  const rules = state.maps.selection.get(selectionKey)
  if (rules && rowLayouts.selection(rules).length > entryBytesMax) return 'its selection rules are too long'
  const epoch = currentEpoch(state)
  for (const [key, row] of state.maps.epochs.rows()) {
    if (key === currentEpochKey && epoch === 0) return 'its seal epoch has no number'
    if (row.kind !== 'grant') continue
    if (row.epoch !== epoch || epoch === 0) return 'it grants a seal epoch that is not the current one'
    const follower = state.maps.followers.get(toHash(row.follower))
    if (follower?.kind !== 'follower' || follower.revokedMs !== 0)
      return 'it grants a seal epoch to a machine that is not enrolled'
  }
  return null
}
