/** T9, T10: how the keys of a log may change, and everything that may not pass for such a change. */
import { describe, expect, test } from 'vitest'
import { fingerprint, sign } from '../../../engine/crypto/ed25519.ts'
import { continues, logKeyAt, readKeys } from '../../../engine/fold/keys.ts'
import type { State } from '../../../engine/fold/state.ts'
import { State as NewState } from '../../../engine/fold/state.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { keyRotationsMax } from '../../../schemas/limits.ts'
import type { KeyRow } from '../../../schemas/section.ts'
import { charterBytes, recoverBytes, rotateBytes } from '../../../schemas/signable.ts'
import { charter, fold, keyOf, keys, logId, mark, recovered, rotated, stateOf } from '../fixture.ts'

const rowsOf = (state: State): KeyRow[] => [...state.maps.keys.rows().values()]
const historyOf = (state: State) => {
  assert(state.keys, 'a state has keys')
  return state.keys
}
const next = keyOf(50)

describe('the charter', () => {
  const good = charter()
  const { byLog, byNode } = good.body
  const table: readonly (readonly [string, object, string])[] = [
    ['its signatures swapped', { byLog: byNode, byNode: byLog }, 'bad-signature'],
    ['only the log key signed', { byNode: byLog }, 'bad-signature'],
    ['only the node key signed', { byLog: byNode }, 'bad-signature'],
    ['another log id', { logId: Buffer.alloc(16, 7) }, 'bad-signature'],
    ['another recovery key', { recoveryKey: next.public }, 'bad-signature'],
    ['another log key', { logKey: next.public }, 'bad-signature'],
    ['a key that is none', { logKey: Buffer.alloc(32) }, 'bad-signature'],
    ['a later fold version', { foldVersion: 2 }, 'upgrade-needed'],
    ['a fold version that never was', { foldVersion: 0 }, 'refused'],
  ]
  for (const [what, change, code] of table)
    test(`with ${what} is refused`, () => {
      const state = new NewState()
      const refusal = fold(state, { type: 'log.chartered', body: { ...good.body, ...change } })
      expect(refusal?.refused).toBe(code)
      expect([state.keys, state.at.seq]).toEqual([null, 0])
    })

  test('one key in two roles is refused, however well it is signed', () => {
    for (const trio of [
      { ...keys, node: keys.log },
      { ...keys, recovery: keys.log },
      { ...keys, recovery: keys.node },
    ])
      expect(fold(new NewState(), charter(trio))?.refused).toBe('bad-signature')
  })

  test('signed for another purpose it is none (T10)', () => {
    const fields = {
      logId,
      logKey: keys.log.public,
      nodeKey: keys.node.public,
      recoveryKey: keys.recovery.public,
      foldVersion: 1,
    }
    const other = Buffer.from(charterBytes(fields))
    other.write('stemma/charteR/v1')
    const body = { ...fields, byLog: sign(keys.log.private, other), byNode: sign(keys.node.private, other) }
    expect(fold(new NewState(), { type: 'log.chartered', body })?.refused).toBe('bad-signature')
  })
})

describe('T9: a rotation', () => {
  const wrong: Readonly<Record<string, (state: State) => Parameters<typeof fold>[1]>> = {
    'signed by the old key only': (state) => rotated(state.keys, keys.log, next, { byNew: keys.log }),
    'signed by the new key only': (state) => rotated(state.keys, keys.log, next, { by: next }),
    'signed by the node key': (state) => rotated(state.keys, keys.log, next, { by: keys.node }),
    'signed by the recovery key, but no recovery': (state) =>
      rotated(state.keys, keys.log, next, { by: keys.recovery }),
    'from a key that the log does not have': (state) => rotated(state.keys, keyOf(60), next),
    'for the other role': (state) => {
      const event = rotated(state.keys, keys.log, next)
      return { ...event, body: { ...event.body, role: 'node' } }
    },
    'that skips a place': (state) => rotated(state.keys, keys.log, next, { index: 2 }),
    'that repeats a place': (state) => rotated(state.keys, keys.log, next, { index: 0 }),
    'to the key that it has': (state) => rotated(state.keys, keys.log, keys.log),
    'to the key of the other role': (state) => rotated(state.keys, keys.log, keys.node),
    'to the recovery key': (state) => rotated(state.keys, keys.log, keys.recovery),
    'in which signatures are swapped': (state) => {
      const event = rotated(state.keys, keys.log, next)
      return { ...event, body: { ...event.body, byOld: event.body.byNew, byNew: event.body.byOld } }
    },
    'of another log': (state) => rotated({ ...historyOf(state), logId: Buffer.alloc(16, 9) }, keys.log, next),
    'recovered by the old key': (state) => recovered(state.keys, keys.log, next, { by: keys.log }),
    'recovered without the new key': (state) =>
      recovered(state.keys, keys.log, next, { byNew: keys.recovery }),
    'with the signature of a recovery': (state) => {
      const { body } = recovered(state.keys, keys.log, next)
      return {
        type: 'key.rotated',
        body: { role: 'log', key: body.key, byOld: body.byRecovery, byNew: body.byNew },
      }
    },
  }
  for (const [what, make] of Object.entries(wrong))
    test(`${what} is refused`, () => {
      const state = stateOf()
      const before = mark(state)
      expect(fold(state, make(state))?.refused).toBe('bad-signature')
      expect(mark(state)).toBe(before)
    })

  test('of each role, and a recovery, are followed in their order', () => {
    const state = stateOf()
    expect(fold(state, rotated(state.keys, keys.log, keyOf(51)))).toBeNull()
    expect(fold(state, rotated(state.keys, keys.node, keyOf(52), { role: 'node' }))).toBeNull()
    // The recovery key vouches for another log key although the newest one is unknown to whoever recovers.
    expect(fold(state, recovered(state.keys, keyOf(51), keyOf(53)))).toBeNull()
    expect(fold(state, recovered(state.keys, keyOf(52), keyOf(54), { role: 'node' }))).toBeNull()
    const history = historyOf(state)
    expect(history.rotations).toBe(4)
    expect(history.logKey).toEqual(keyOf(53).public)
    expect(history.nodes).toEqual([keys.node, keyOf(52), keyOf(54)].map((key) => fingerprint(key.public)))
    expect([1, 2, 3, 4, 5].map((seq) => logKeyAt(rowsOf(state), seq))).toEqual(
      [keys.log, keyOf(51), keyOf(51), keyOf(53), keyOf(53)].map((key) => key.public),
    )
    expect(readKeys(rowsOf(state))).toEqual(history)
  })

  test('that leads back to any key of before is refused, in any role', () => {
    const state = stateOf()
    fold(state, rotated(state.keys, keys.log, keyOf(51)))
    fold(state, rotated(state.keys, keys.node, keyOf(52), { role: 'node' }))
    for (const back of [keys.log, keys.node, keys.recovery, keyOf(51), keyOf(52)])
      for (const role of ['log', 'node'] as const) {
        const old = role === 'log' ? keyOf(51) : keyOf(52)
        expect(fold(state, rotated(state.keys, old, back, { role }))?.refused).toBe('bad-signature')
        expect(fold(state, recovered(state.keys, old, back, { role }))?.refused).toBe('bad-signature')
      }
  })

  test('played again from before is refused: a signature fits one place', () => {
    const state = stateOf()
    const event = rotated(state.keys, keys.log, keyOf(51))
    fold(state, event)
    expect(fold(state, event)?.refused).toBe('bad-signature')
    fold(state, rotated(state.keys, keyOf(51), keyOf(52)))
    expect(fold(state, event)?.refused).toBe('bad-signature')
  })

  test(`beyond the ${keyRotationsMax}th is refused`, () => {
    const state = stateOf()
    let old = keys.log
    for (let n = 0; n < keyRotationsMax; n++) {
      const key = keyOf(2000 + n)
      expect(fold(state, rotated(state.keys, old, key))).toBeNull()
      old = key
    }
    const before = mark(state)
    expect(fold(state, rotated(state.keys, old, next))?.refused).toBe('refused')
    expect(fold(state, recovered(state.keys, old, next))?.refused).toBe('refused')
    expect(mark(state)).toBe(before)
    const history = readKeys(rowsOf(state))
    expect(isRefusal(history)).toBe(false)
    const one: KeyRow = {
      kind: 'rotated',
      role: 'log',
      key: next.public,
      by: Buffer.alloc(64),
      byNew: Buffer.alloc(64),
      seq: 999,
    }
    expect(readKeys([...rowsOf(state), one])).toMatchObject({ refused: 'refused' })
  })
})

describe('a history in rows', () => {
  const state = stateOf()
  fold(state, rotated(state.keys, keys.log, keyOf(51)))
  fold(state, rotated(state.keys, keyOf(51), keyOf(52)))
  const [first, second, third] = rowsOf(state)
  assert(first && second && third, 'three rows')

  test('is believed whole and in order only', () => {
    expect(isRefusal(readKeys([first, second, third]))).toBe(false)
    for (const rows of [
      [],
      [second],
      [second, first],
      [first, third],
      [first, third, second],
      [first, second, second],
      [first, first],
      [first, second, first],
    ])
      expect(isRefusal(readKeys(rows))).toBe(true)
  })

  test('continues another when that is its beginning', () => {
    const [short, long] = [readKeys([first, second]), readKeys([first, second, third])]
    assert(!isRefusal(short) && !isRefusal(long), 'both are histories')
    expect([continues(short, long), continues(long, short), continues(short, short)]).toEqual([
      true,
      false,
      true,
    ])
    const other = stateOf()
    fold(other, rotated(other.keys, keys.log, keyOf(99)))
    expect(continues(short, historyOf(other))).toBe(false)
  })
})

test('T10: rotation and recovery are signed over different bytes', () => {
  const fields = { logId, index: 1, role: 'log', oldKey: keys.log.public, newKey: next.public } as const
  expect(rotateBytes(fields).equals(recoverBytes(fields))).toBe(false)
  expect(rotateBytes(fields).equals(rotateBytes({ ...fields, role: 'node' }))).toBe(false)
  expect(rotateBytes(fields).equals(rotateBytes({ ...fields, index: 2 }))).toBe(false)
})
