/** A log that is signed and still cannot be: bases, heads, batches and segments that no fold and no writer makes. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { readKeys, startKeys } from '../../../engine/fold/keys.ts'
import { charterRow } from '../../../engine/fold/reducers/key.ts'
import { readBase, writeBase } from '../../../engine/log/base.ts'
import { readHead } from '../../../engine/log/head.ts'
import { Log } from '../../../engine/log/log.ts'
import { kindOf, writeRecords } from '../../../engine/log/record.ts'
import { segmentHeaderBytes, writeHeader } from '../../../engine/log/segment.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { batchEntriesMax, filesMax, followersMax } from '../../../schemas/limits.ts'
import type { CharterRow } from '../../../schemas/section.ts'
import type { SimDisk } from '../../sim/disk.ts'
import {
  charter,
  keys,
  logId,
  mark,
  newDisk,
  newLog,
  payloadsOf,
  placeOn,
  put,
  signedRun,
  startMs,
  stateOf,
} from '../fixture.ts'
import { followerRows, headOf, rich, slips } from './unsound.ts'

describe('a base with the right signature and state hash', () => {
  test('of a state that entries led to is taken', () => {
    const state = rich()
    const read = readBase(writeBase(state), headOf(state))
    assert(!isRefusal(read), 'the base is taken')
    expect(mark(read)).toBe(mark(state))
  })

  test.each(slips)('that %s is refused', (_, why, slip) => {
    const state = rich()
    for (const change of slip(state)) state.restore(change)
    expect(readBase(writeBase(state), headOf(state))).toMatchObject({ refused: 'protocol', why })
  })

  test('holds as many followers as a log may have, whether enrolment was ever changed or not', () => {
    const state = rich()
    for (const change of followerRows(4, followersMax)) state.restore(change)
    expect(isRefusal(readBase(writeBase(state), headOf(state)))).toBe(false)
    state.restore({ section: 'followers', key: 'enrolment', row: { kind: 'enrolment', approve: true } })
    expect(isRefusal(readBase(writeBase(state), headOf(state)))).toBe(false)
  })

  test('stops being read at the first file too many', () => {
    const state = rich()
    const head = headOf(state)
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
    expect(readBase([...parts, empty], headOf(state))).toMatchObject({ refused: 'protocol', why: /empty/ })
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
    const bytes = Buffer.from(headOf(state).bytes)
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
