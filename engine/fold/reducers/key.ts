/** Charter, rotations and recoveries. Every signature is verified here, by whoever folds. */
import type { EventBody } from '../../../schemas/event/index.ts'
import { isRefusal, type Refusal, refuse } from '../../../schemas/fault.ts'
import type { CharterRow, RotationRow } from '../../../schemas/section.ts'
import { extendKeys, startKeys } from '../keys.ts'
import type { State } from '../state.ts'
import { against, copy, type Effect, type Reducer } from './shape.ts'

/** Rows of the key history are named by their place in it: the charter is `0`. */
export const keyName = (index: number): string => String(index)

export function charterRow(body: EventBody<'log.chartered'>): CharterRow {
  return {
    kind: 'charter',
    logId: copy(body.logId),
    logKey: copy(body.logKey),
    nodeKey: copy(body.nodeKey),
    recoveryKey: copy(body.recoveryKey),
    foldVersion: body.foldVersion,
    byLog: copy(body.byLog),
    byNode: copy(body.byNode),
  }
}

export const logChartered: Reducer<'log.chartered'> = (state, body) => {
  if (state.keys) return against('A log has one charter, its first entry.')
  const row = charterRow(body)
  const keys = startKeys(row)
  return isRefusal(keys) ? keys : { changes: [{ section: 'keys', key: keyName(0), row }], keys }
}

export const foldUpgraded: Reducer<'fold.upgraded'> = (state, body) =>
  body.version <= state.at.foldVersion
    ? against('A fold version only goes up.')
    : refuse('upgrade-needed', `From here on the log needs a newer stemma (fold version ${body.version}).`, {
        version: body.version,
      })

function rotate(state: State, row: RotationRow): Effect | Refusal {
  if (!state.keys) return against('A log begins with its charter.')
  const keys = extendKeys(state.keys, row)
  if (isRefusal(keys)) return keys
  return { changes: [{ section: 'keys', key: keyName(keys.rotations), row }], keys }
}

export const keyRotated: Reducer<'key.rotated'> = (state, body, place) =>
  rotate(state, {
    kind: 'rotated',
    role: body.role,
    key: copy(body.key),
    by: copy(body.byOld),
    byNew: copy(body.byNew),
    seq: place.seq,
  })

export const keyRecovered: Reducer<'key.recovered'> = (state, body, place) =>
  rotate(state, {
    kind: 'recovered',
    role: body.role,
    key: copy(body.key),
    by: copy(body.byRecovery),
    byNew: copy(body.byNew),
    seq: place.seq,
  })
