/** A log that is signed and still cannot be: bases, heads, batches and segments that no fold and no writer makes. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { readKeys, startKeys } from '../../../engine/fold/keys.ts'
import { charterRow } from '../../../engine/fold/reducers/key.ts'
import type { Change, State } from '../../../engine/fold/state.ts'
import { readBase, writeBase } from '../../../engine/log/base.ts'
import { readHead, signHead } from '../../../engine/log/head.ts'
import { Log } from '../../../engine/log/log.ts'
import { kindOf, writeRecords } from '../../../engine/log/record.ts'
import { segmentHeaderBytes, writeHeader } from '../../../engine/log/segment.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { batchEntriesMax, filesMax, followersMax } from '../../../schemas/limits.ts'
import type { CharterRow, FollowerRow } from '../../../schemas/section.ts'
import type { SimDisk } from '../../sim/disk.ts'
import {
  charter,
  enrolled,
  epochGranted,
  epochStarted,
  idOf,
  keyOf,
  keys,
  logId,
  mark,
  newDisk,
  newLog,
  payloadsOf,
  placeOn,
  put,
  recovered,
  revoked,
  rotated,
  selection,
  signedRun,
  startMs,
  stateOf,
} from '../fixture.ts'

/** Followers 1 to 3, the last one revoked; epoch 2, granted to the first; a rotation of the log key in entry 9. */
function rich(): State {
  const state = stateOf(
    enrolled(1),
    enrolled(2),
    enrolled(3),
    epochStarted(1),
    revoked(3),
    epochStarted(2),
    epochGranted(2, 1),
  )
  const [change] = signedRun(state, [[rotated(state.keys, keys.log, keyOf(7))]], keyOf(7))
  assert(change, 'the key is changed')
  signedRun(
    state,
    [[recovered(state.keys, keys.node, keyOf(8), { role: 'node' }), selection(['memories/'])]],
    keyOf(7),
  )
  return state
}
const sign = (state: State) => {
  assert(state.keys, 'there is a charter')
  return signHead(state, state.keys, state.at.timeMs, keyOf(7).private)
}
const grant = (n: number, epoch: number): Change => ({
  section: 'epochs',
  key: idOf(n),
  row: {
    kind: 'grant',
    epoch,
    follower: Buffer.from(idOf(n), 'hex'),
    sealed: Buffer.alloc(80),
  },
})
const current = (epoch: number): Change => ({
  section: 'epochs',
  key: 'current',
  row: { kind: 'current', epoch, wraps: Buffer.alloc(32) },
})
function turnedIn(state: State, key: '1' | '2', seq: number): Change {
  const old = state.maps.keys.get(key)
  assert(old && old.kind !== 'charter', 'it is a change of a key')
  return { section: 'keys', key, row: { ...old, seq } }
}
const followerRows = (from: number, to: number): Change[] =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const { body } = enrolled(from + i)
    const follower: FollowerRow = { kind: 'follower', ...body, enrolledMs: startMs, revokedMs: 0 }
    return { section: 'followers', key: idOf(from + i), row: follower }
  })

describe('a base with the right signature and state hash', () => {
  test('of a state that entries led to is taken', () => {
    const state = rich()
    const read = readBase(writeBase(state), sign(state))
    assert(!isRefusal(read), 'the base is taken')
    expect(mark(read)).toBe(mark(state))
  })

  const slips: readonly [string, RegExp, (state: State) => readonly Change[]][] = [
    ['grants an epoch that is over', /not the current one/, () => [grant(2, 1)]],
    ['grants an epoch to come', /not the current one/, () => [grant(2, 3)]],
    ['grants to a machine that was never enrolled', /not enrolled/, () => [grant(4, 2)]],
    ['grants to a machine that was revoked', /not enrolled/, () => [grant(3, 2)]],
    [
      'grants an epoch where there is none',
      /not the current one/,
      () => [
        { section: 'epochs', key: 'current', row: null },
        { section: 'epochs', key: idOf(1), row: null },
        grant(1, 0),
      ],
    ],
    [
      'has an epoch without a number',
      /no number/,
      () => [{ section: 'epochs', key: idOf(1), row: null }, current(0)],
    ],
    ['changes two keys in one entry', /order of its entries/, (state) => [turnedIn(state, '2', 9)]],
    ['changes keys in falling entries', /order of its entries/, (state) => [turnedIn(state, '2', 8)]],
    ['changes a key in its first entry', /order of its entries/, (state) => [turnedIn(state, '1', 1)]],
    ['changes a key beyond its head', /beyond its head/, (state) => [turnedIn(state, '2', 12)]],
    [
      'has rules that no entry holds',
      /rules are too long/,
      () => {
        const name = (i: number) => `rules/${'x'.repeat(110)}/${'y'.repeat(110)}/${i}`
        const rules = selection(Array.from({ length: 256 }, (_, i) => name(i)))
        assert(rules.type === 'selection.changed', 'these are rules')
        const include = [...rules.body.include, ...rules.body.include].slice(0, 256)
        return [{ section: 'selection', key: 'rules', row: { ...rules.body, include, exclude: include } }]
      },
    ],
    ['has a follower too many', /more rows/, () => followerRows(4, followersMax + 1)],
  ]
  test.each(slips)('that %s is refused', (_, why, slip) => {
    const state = rich()
    for (const change of slip(state)) state.restore(change)
    expect(readBase(writeBase(state), sign(state))).toMatchObject({ refused: 'protocol', why })
  })

  test('holds as many followers as a log may have, whether enrolment was ever changed or not', () => {
    const state = rich()
    for (const change of followerRows(4, followersMax)) state.restore(change)
    expect(isRefusal(readBase(writeBase(state), sign(state)))).toBe(false)
    state.restore({ section: 'followers', key: 'enrolment', row: { kind: 'enrolment', approve: true } })
    expect(isRefusal(readBase(writeBase(state), sign(state)))).toBe(false)
  })

  test('stops being read at the first file too many', () => {
    const state = rich()
    const head = sign(state)
    const file = { exec: false, size: 0, blob: Buffer.alloc(32) }
    const part = (index: number, from: number, to: number) =>
      encode([0, index, Array.from({ length: to - from }, (_, i) => [`f${from + i}`, file])])
    const parts = Array.from({ length: 101 }, (_, i) => part(i, i * 1000, i * 1000 + 1000))
    expect(filesMax).toBe(100_000)
    expect(readBase(parts, head)).toMatchObject({ why: /more rows/ })
  })

  test('has no part without a row', () => {
    const state = rich()
    const parts = writeBase(state)
    const empty = Buffer.from(encode([255, parts.length, []]))
    expect(readBase([...parts, empty], sign(state))).toMatchObject({ refused: 'protocol', why: /empty/ })
  })
})

describe('a history of keys', () => {
  const begun = (fields: Partial<CharterRow>) => startKeys({ ...charterRow(charter().body), ...fields })
  test('T9: three different keys begin it, under rules that are known', () => {
    expect(isRefusal(begun({}))).toBe(false)
    expect(begun({ recoveryKey: keys.log.public })).toMatchObject({ refused: 'bad-signature' })
    expect(begun({ nodeKey: keys.log.public })).toMatchObject({ refused: 'bad-signature' })
    expect(begun({ foldVersion: 2 })).toMatchObject({ refused: 'upgrade-needed' })
    expect(begun({ foldVersion: 0 })).toMatchObject({ refused: 'refused' })
  })

  test('is read in the order of its entries only', () => {
    const state = rich()
    const [first, ...rest] = state.maps.keys.rows().values()
    assert(first && rest.length === 2, 'there are a charter and two changes')
    expect(isRefusal(readKeys([first, ...rest]))).toBe(false)
    expect(isRefusal(readKeys([first, ...rest.toReversed()]))).toBe(true)
  })
})

const path = (first: number) => `/stemma/log/${String(first).padStart(16, '0')}.seg`
function segment(disk: SimDisk, first = 1): Buffer {
  const bytes = disk.peek(path(first))
  assert(bytes, 'the segment is there')
  return bytes
}
const many = (count: number, of = 'rules') => Array.from({ length: count }, (_, i) => put(`${of}/${i}.md`))
const planted = (bytes: Buffer, first = 1): SimDisk => {
  const disk = newDisk()
  disk.plantFile(path(first), bytes)
  return disk
}

describe('fold version 0', () => {
  test('is in no head', () => {
    const state = rich()
    const bytes = Buffer.from(sign(state).bytes)
    bytes.writeUInt32BE(0, 135)
    expect(readHead(bytes)).toMatchObject({ refused: 'protocol' })
  })

  test('is in no header', async () => {
    const disk = newDisk()
    await (await newLog(placeOn(disk))).close()
    const header = { logId, foldVersion: 0, baseSeq: 0, baseParts: 0 }
    const bytes = Buffer.concat([writeHeader(header), segment(disk).subarray(segmentHeaderBytes)])
    await expect(Log.open(placeOn(planted(bytes)))).rejects.toMatchObject({ code: 'log-damaged' })
  })
})

describe('records of a segment', () => {
  /** The charter's batch as a log writes it, and whatever is put behind it. */
  async function withBatches(...batches: readonly number[]): Promise<Buffer> {
    const disk = newDisk()
    await (await newLog(placeOn(disk))).close()
    const state = stateOf()
    const run = signedRun(
      state,
      batches.map((count, i) => many(count, `b${i}`)),
    )
    return Buffer.concat([segment(disk), writeRecords(run)])
  }

  test('a batch of as many entries as one may have is read, and one of more is not', async () => {
    const whole = await Log.open(placeOn(planted(await withBatches(batchEntriesMax, 1))))
    expect(whole.head.seq).toBe(batchEntriesMax + 2)
    expect(whole.damage).toBeNull()
    const bytes = await withBatches(1, batchEntriesMax + 1, 1)
    const cut = await Log.open(placeOn(planted(bytes)))
    expect(cut.head.seq).toBe(2)
    expect(cut.damage?.why).toMatch(/larger than a batch/)
  })

  test('T8: a head of another log is not taken in the middle either', async () => {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [many(2), many(2, 'b'), many(2, 'c')])
    const payloads = (await payloadsOf(log)).map((payload, i) => {
      if (i !== 4) return payload
      expect(kindOf(payload)).toBe('head')
      const other = Buffer.from(payload)
      other.fill(0xee, 15, 31)
      return other
    })
    const bytes = Buffer.concat([segment(disk).subarray(0, segmentHeaderBytes), writeRecords(payloads)])
    const opened = await Log.open(placeOn(planted(bytes)))
    expect(opened.head.seq).toBe(1)
    expect(opened.damage?.why).toMatch(/another log/)
  })
})

describe('segments that do not meet', () => {
  async function two() {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [many(2), many(2, 'b')])
    await log.compact()
    await log.append(many(2, 'c'), startMs + 9, keys.log.private)
    const [older, newer] = [segment(disk), segment(disk, 6)]
    const payloads = await payloadsOf(log)
    const shorter = older.subarray(0, older.length - writeRecords(payloads.slice(5, 8)).length)
    return { older, newer, shorter, longer: Buffer.concat([older, writeRecords(payloads.slice(8))]) }
  }
  async function read(older: Buffer, newer: Buffer, from: number): Promise<number> {
    const disk = planted(older)
    disk.plantFile(path(6), newer)
    return (await payloadsOf(await Log.open(placeOn(disk)), from)).length
  }

  test('entries behind the base of the next, or missing before it, are not handed out in silence', async () => {
    const { older, newer, shorter, longer } = await two()
    expect(await read(older, newer, 1)).toBe(11)
    await expect(read(longer, newer, 1)).rejects.toMatchObject({
      code: 'log-damaged',
      message: expect.stringMatching(/ends at entry 7, and the next segment begins at entry 6/),
    })
    await expect(read(shorter, newer, 1)).rejects.toMatchObject({ code: 'log-damaged' })
    expect(await read(shorter, newer, 6), 'what is asked for is whole').toBe(3)
  })
})
