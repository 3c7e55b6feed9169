/** One reducer for every event: a missing one does not compile. */
import type { EventType } from '../../../schemas/event/index.ts'
import { epochGranted, epochStarted, wrapsPut } from './epoch.ts'
import { filePut, fileRemoved, secretPut, secretRemoved } from './file.ts'
import { enrolmentChanged, followerEnrolled, followerRevoked } from './follower.ts'
import { foldUpgraded, keyRecovered, keyRotated, logChartered } from './key.ts'
import { selectionChanged } from './selection.ts'
import type { Reducer } from './shape.ts'

export const reducers: { readonly [T in EventType]: Reducer<T> } = {
  'log.chartered': logChartered,
  'fold.upgraded': foldUpgraded,
  'key.rotated': keyRotated,
  'key.recovered': keyRecovered,
  'file.put': filePut,
  'file.removed': fileRemoved,
  'secret.put': secretPut,
  'secret.removed': secretRemoved,
  'selection.changed': selectionChanged,
  'follower.enrolled': followerEnrolled,
  'follower.revoked': followerRevoked,
  'enrolment.changed': enrolmentChanged,
  'epoch.started': epochStarted,
  'epoch.granted': epochGranted,
  'wraps.put': wrapsPut,
}
