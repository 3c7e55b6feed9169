/**
 * States that no entries lead to, each one step away from one that they did lead to: signed by the right key, and
 * to be refused by whoever reads them from a base.
 */
import type { Change, State } from '../../../engine/fold/state.ts'
import { type Head, signHead } from '../../../engine/log/head.ts'
import { assert } from '../../../schemas/fault.ts'
import { followersMax } from '../../../schemas/limits.ts'
import type { FollowerRow } from '../../../schemas/section.ts'
import {
  enrolled,
  epochGranted,
  epochStarted,
  idOf,
  keyOf,
  keys,
  recovered,
  revoked,
  rotated,
  selection,
  signedRun,
  startMs,
  stateOf,
} from '../fixture.ts'

const logKey = keyOf(7)

/** Followers 1 to 3, the last one revoked; epoch 2, granted to the first; keys changed in entries 9 and 10 of 11. */
export function rich(): State {
  const followers = [enrolled(1), enrolled(2), enrolled(3)]
  const state = stateOf(...followers, epochStarted(1), revoked(3), epochStarted(2), epochGranted(2, 1))
  signedRun(state, [[rotated(state.keys, keys.log, logKey)]], logKey)
  const other = recovered(state.keys, keys.node, keyOf(8), { role: 'node' })
  signedRun(state, [[other, selection(['memories/'])]], logKey)
  return state
}

/** The head of such a state. */
export function headOf(state: State): Head {
  assert(state.keys, 'there is a charter')
  return signHead(state, state.keys, state.at.timeMs, logKey.private)
}

export const followerRows = (from: number, to: number): Change[] =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const row: FollowerRow = {
      kind: 'follower',
      ...enrolled(from + i).body,
      enrolledMs: startMs,
      revokedMs: 0,
    }
    return { section: 'followers', key: idOf(from + i), row }
  })

const grant = (n: number, epoch: number): Change => ({
  section: 'epochs',
  key: idOf(n),
  row: { kind: 'grant', epoch, follower: Buffer.from(idOf(n), 'hex'), sealed: Buffer.alloc(80) },
})
const noGrant: Change = { section: 'epochs', key: idOf(1), row: null }
const noEpoch: Change = { section: 'epochs', key: 'current', row: null }
const epochZero: Change = {
  section: 'epochs',
  key: 'current',
  row: { kind: 'current', epoch: 0, wraps: Buffer.alloc(32) },
}

function changedIn(state: State, key: '1' | '2', seq: number): Change {
  const row = state.maps.keys.get(key)
  assert(row && row.kind !== 'charter', 'it is a change of a key')
  return { section: 'keys', key, row: { ...row, seq } }
}

function endlessRules(): Change {
  const rule = (i: number) => `rules/${'x'.repeat(110)}/${'y'.repeat(110)}/${i}`
  const rules = Array.from({ length: 256 }, (_, i) => rule(i))
  const event = selection(rules, rules)
  assert(event.type === 'selection.changed', 'these are rules')
  return { section: 'selection', key: 'rules', row: event.body }
}

/** What is wrong, how the engine says so, and the step there from a `rich` state. */
export const slips: readonly [string, RegExp, (state: State) => readonly Change[]][] = [
  ['grants an epoch that is over', /not the current one/, () => [grant(2, 1)]],
  ['grants an epoch to come', /not the current one/, () => [grant(2, 3)]],
  ['grants an epoch where there is none', /not the current one/, () => [noEpoch, noGrant, grant(1, 0)]],
  ['grants to a machine that was never enrolled', /not enrolled/, () => [grant(4, 2)]],
  ['grants to a machine that was revoked', /not enrolled/, () => [grant(3, 2)]],
  ['has an epoch without a number', /no number/, () => [noGrant, epochZero]],
  ['changes two keys in one entry', /order of its entries/, (state) => [changedIn(state, '2', 9)]],
  ['changes keys in falling entries', /order of its entries/, (state) => [changedIn(state, '2', 8)]],
  ['changes a key in its first entry', /order of its entries/, (state) => [changedIn(state, '1', 1)]],
  ['changes a key beyond its head', /beyond its head/, (state) => [changedIn(state, '2', 12)]],
  ['has rules that no entry holds', /rules are too long/, () => [endlessRules()]],
  ['has a follower too many', /more rows/, () => followerRows(4, followersMax + 1)],
]
