/** Bases: what is written of a state is read back as that state, and nothing else is ever read under its head. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { scanFault } from '../../../engine/codec/scan.ts'
import type { State } from '../../../engine/fold/state.ts'
import { readBase, writeBase } from '../../../engine/log/base.ts'
import { type Head, signHead } from '../../../engine/log/head.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { basePartBytesMax, checkpointEveryEntries } from '../../../schemas/limits.ts'
import { readValue, type Value } from '../codec/wild.ts'
import * as draft from '../fixture.ts'

const { put, enrolled, epochGranted, epochStarted, secretPut, rotated, approval, selection } = draft

/** A state with rows in every section and two checkpoints, and its head. */
function rich(): { readonly state: State; readonly head: Head } {
  const state = draft.stateOf(
    enrolled(1),
    enrolled(2),
    approval(true),
    epochStarted(1),
    epochGranted(1, 1),
    epochGranted(1, 2),
    secretPut('auth.json'),
    selection(['memories/'], ['prompts/old.md']),
  )
  for (let n = 0; n < 20; n++) draft.fold(state, put(`skills/größe/${n}.md`, `${n}`, n % 2 === 0))
  const turn = rotated(state.keys, draft.keys.log, draft.keyOf(7))
  draft.fold(state, turn)
  while (state.at.seq < 2 * checkpointEveryEntries + 5) draft.fold(state, put('AGENTS.md', `${state.at.seq}`))
  return { state, head: headOf(state) }
}
function headOf(state: State, by = draft.keyOf(7)): Head {
  assert(state.keys, 'a state has keys')
  return signHead(state, state.keys, state.at.timeMs, by.private)
}

type Part = [section: number, index: number, rows: Value[]]
/** Parts as plain data, to be changed and written again. */
const open = (parts: readonly Buffer[]): Part[] =>
  parts.map((part) => {
    const value = readValue(part, 8)?.value
    assert(Array.isArray(value), 'a part is an array')
    const [section, index, rows] = value
    assert(
      typeof section === 'number' && typeof index === 'number' && Array.isArray(rows),
      'a part has its shape',
    )
    return [section, index, rows]
  })
const close = (parts: readonly Part[]): Buffer[] => parts.map((part) => Buffer.from(encode(part)))

test('S27: what is written is read back as the same state', () => {
  const { state, head } = rich()
  const parts = writeBase(state)
  const read = readBase(parts, head)
  assert(!isRefusal(read), 'the base is sound')
  expect(draft.mark(read)).toBe(draft.mark(state))
  expect(read.checkpoints).toEqual(state.checkpoints)
  expect(read.keys).toEqual(state.keys)
  expect(read.files()).toEqual(state.files())
  expect(writeBase(read).map((part) => part.toString('hex'))).toEqual(
    parts.map((part) => part.toString('hex')),
  )
  // And it goes on from there as if it had been folded.
  for (const event of [put('b.md'), epochStarted(2), put('AGENTS.md', 'last')]) {
    expect(draft.fold(read, event)).toBeNull()
    expect(draft.fold(state, event)).toBeNull()
  }
  expect(draft.mark(read)).toBe(draft.mark(state))
  expect(draft.fold(read, put('SKILLS/x.md'))?.refused).toBe('refused')
})

test('a base does not depend on the order in which its state came about', () => {
  const [a, b] = [
    [put('a.md'), put('b.md'), enrolled(1), enrolled(2)],
    [enrolled(2), put('b.md'), enrolled(1), put('a.md')],
  ].map((events) => writeBase(draft.stateOf(...events)).map((part) => part.toString('hex')))
  expect(a).toEqual(b)
})

test('rows of a base outlive the bytes that they came in', () => {
  const { state, head } = rich()
  const parts = writeBase(state)
  const read = readBase(parts, head)
  assert(!isRefusal(read), 'the base is sound')
  for (const part of parts) part.fill(0xff)
  // Hash everything anew: a row that was a view of its part would show another value now.
  for (const [path, row] of [...read.maps.files.rows()]) read.maps.files.set(path, { ...row })
  for (const [key, row] of [...read.maps.followers.rows()]) read.maps.followers.set(key, { ...row })
  expect(draft.mark(read)).toBe(draft.mark(state))
})

describe('S27, T8: under a genuine head, nothing but its own state is read', () => {
  const { state, head } = rich()
  const parts = open(writeBase(state))
  const section = (number: number): Part => {
    const part = parts.find(([one]) => one === number)
    assert(part, 'every section has a part')
    return structuredClone(part)
  }
  const others = (number: number) => parts.filter(([one]) => one !== number)
  /** The parts with the rows of one section changed, numbered anew. */
  const changed = (number: number, change: (rows: Value[]) => Value[]): Buffer[] => {
    const [, , rows] = section(number)
    const all = [...others(number), [number, 0, change(rows)] satisfies Part].sort(([a], [b]) => a - b)
    return close(all.map(([one, , some], index): Part => [one, index, some]))
  }
  const refusedFor = (bytes: readonly Uint8Array[], under = head) => {
    const read = readBase(bytes, under)
    return isRefusal(read) ? read.refused : 'taken'
  }
  const numbers = [0, 1, 3, 4, 5, 6, 255]

  test('unchanged, it is taken', () => {
    expect(refusedFor(close(parts))).toBe('taken')
    for (const number of numbers) expect(refusedFor(changed(number, (rows) => rows))).toBe('taken')
  })

  for (const number of numbers)
    test(`section ${number}: every row left out, said twice, or changed in any value`, () => {
      const [, , rows] = section(number)
      for (const [i, row] of rows.entries()) {
        expect(refusedFor(changed(number, (some) => some.filter((_, at) => at !== i)))).not.toBe('taken')
        expect(refusedFor(changed(number, (some) => [...some, structuredClone(row)]))).not.toBe('taken')
        for (const other of variants(row))
          expect(
            refusedFor(changed(number, (some) => some.map((one, at) => (at === i ? other : one)))),
            JSON.stringify(other),
          ).not.toBe('taken')
      }
    })

  test('parts in another order, left out, twice, or cut in two', () => {
    const whole = close(parts)
    for (let i = 0; i < whole.length; i++) {
      expect(refusedFor(whole.filter((_, at) => at !== i))).toBe('protocol')
      expect(refusedFor([...whole.slice(0, i), ...whole.slice(i, i + 1), ...whole.slice(i)])).toBe('protocol')
      if (i > 0) expect(refusedFor([...whole.slice(i), ...whole.slice(0, i)])).toBe('protocol')
    }
    // A section may be cut into parts anywhere: that is the same state.
    const [number, , rows] = section(0)
    const cut: Part[] = [[number, 0, rows.slice(0, 5)], [number, 1, rows.slice(5)], ...others(0)]
    expect(refusedFor(close(cut.map(([one, , some], index): Part => [one, index, some])))).toBe('taken')
    expect(refusedFor([])).not.toBe('taken')
    expect(refusedFor([...whole, Buffer.from('nonsense')])).toBe('protocol')
  })

  test('a section that is not known needs an upgrade, an account is nothing yet', () => {
    expect(refusedFor(close([...parts.slice(0, -1), [9, parts.length - 1, [['x', 1]]]]))).toBe(
      'upgrade-needed',
    )
    const account: Part = [2, 2, [['x', { kind: 'account' }]]]
    const all = [...parts.slice(0, 2), account, ...parts.slice(2)].map(
      ([one, , some], i): Part => [one, i, some],
    )
    expect(refusedFor(close(all))).toBe('protocol')
  })

  test('checkpoints that are missing, too many, misplaced or of another history', () => {
    const marks = (change: (rows: Value[]) => Value[]) => refusedFor(changed(255, change))
    expect(marks(() => [])).toBe('protocol')
    expect(marks((rows) => rows.slice(1))).toBe('protocol')
    expect(marks((rows) => rows.slice(0, 1))).toBe('protocol')
    expect(marks((rows) => [...rows].reverse())).toBe('protocol')
    expect(marks((rows) => [...rows, [768, Buffer.alloc(32, 1)]])).toBe('protocol')
    expect(marks(([, last]) => [[256, Buffer.alloc(32, 1)], last ?? null])).toBe('state-mismatch')
  })

  test('the key history of another log, under the head of this one', () => {
    const foreign = draft.stateOf()
    const other = draft.charter(
      { log: draft.keyOf(21), node: draft.keyOf(22), recovery: draft.keyOf(23) },
      Buffer.alloc(16, 9),
    )
    const charterOf = (event: typeof other): Value => {
      const { foldVersion, ...rest } = event.body
      const bytes = Object.entries(rest).map(([field, value]) => [field, Buffer.from(value)] as const)
      return { kind: 'charter', ...Object.fromEntries(bytes), foldVersion }
    }
    expect(refusedFor(changed(5, () => [['0', charterOf(other)]]))).toBe('other-log')
    // This log's own charter alone: the head was signed with the key that came later.
    expect(refusedFor(changed(5, (rows) => rows.slice(0, 1)))).toBe('bad-signature')
    expect(refusedFor(close(parts), headOf(foreign, draft.keys.log))).not.toBe('taken')
  })

  test('a head of another moment, another signature, another fold version', () => {
    const later = rich().state
    draft.fold(later, put('AGENTS.md', 'later'))
    expect(refusedFor(close(parts), headOf(later))).not.toBe('taken')
    const spoiled = Buffer.from(head.bytes)
    spoiled[190] = (spoiled[190] ?? 0) ^ 1
    expect(refusedFor(close(parts), { ...head, bytes: spoiled })).toBe('bad-signature')
    expect(refusedFor(close(parts), { ...head, foldVersion: 2 })).toBe('upgrade-needed')
  })
})

/** A value with each of its leaves changed in turn, or a field more or less. */
function* variants(value: Value): Generator<Value> {
  if (Buffer.isBuffer(value)) {
    const other = Buffer.from(value)
    other[value.length - 1] = (other[value.length - 1] ?? 0) ^ 1
    yield other
    yield Buffer.concat([value, Buffer.of(0)])
  } else if (typeof value === 'string') yield `${value}x`
  else if (typeof value === 'number') yield value + 1
  else if (typeof value === 'boolean') yield !value
  else if (value === null) yield 0
  else if (Array.isArray(value)) {
    for (const [i, one] of value.entries()) for (const other of variants(one)) yield value.with(i, other)
    yield [...value, null]
    yield value.slice(1)
  } else {
    for (const [field, one] of Object.entries(value)) {
      for (const other of variants(one)) yield { ...value, [field]: other }
      const { [field]: _, ...less } = value
      yield less
    }
    yield { ...value, more: 0 }
  }
}

test('a large state is written in parts that fit a frame, and read within seconds', () => {
  const state = draft.stateOf()
  for (let n = 0; n < 1000; n++) draft.fold(state, enrolled(n))
  for (let n = 0; n < 10_000; n++)
    draft.fold(state, put(`skills/${n % 100}/${'long name '.repeat(5)}${n}.md`, ''))
  const head = headOf(state, draft.keys.log)
  const parts = writeBase(state)
  expect(parts.length).toBeGreaterThan(5)
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(basePartBytesMax)
    expect(scanFault(part)).toBeNull()
  }
  const read = readBase(parts, head)
  assert(!isRefusal(read), 'the base is sound')
  expect(draft.mark(read)).toBe(draft.mark(state))
})
