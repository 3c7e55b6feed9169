/**
 * What opening makes of a log that the disk or somebody else changed: damage is reported, a torn tail is cut and kept
 * aside, and never is another state taken for the accepted one.
 */
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { encodeEntry } from '../../../engine/fold/entry.ts'
import { Log } from '../../../engine/log/log.ts'
import { kindOf, writeRecords } from '../../../engine/log/record.ts'
import { segmentHeaderBytes, writeHeader } from '../../../engine/log/segment.ts'
import type { Event } from '../../../schemas/event/index.ts'
import { assert, Fault } from '../../../schemas/fault.ts'
import { batchBytesMax } from '../../../schemas/limits.ts'
import type { SimDisk } from '../../sim/disk.ts'
import {
  keyOf,
  keys,
  logId,
  mark,
  newDisk,
  newLog,
  payloadsOf,
  placeOn,
  put,
  rotated,
  startMs,
} from '../fixture.ts'

const path = (first = 1) => `/stemma/log/${String(first).padStart(16, '0')}.seg`
const torn = (disk: SimDisk) => disk.paths('/stemma/log').filter((one) => one.includes('torn-'))

/** A log of some batches, its segment, where each batch ends in it, and what the state was there. */
async function sample(
  batches: readonly (readonly Event[])[] = [[put('a.md')], [put('b.md')], [put('c.md')]],
) {
  const disk = newDisk()
  const log = await newLog(placeOn(disk))
  const ends = [{ at: disk.peek(path())?.length ?? 0, mark: mark(log.state), seq: 1 }]
  for (const events of batches) {
    await log.append(events, startMs, keys.log.private)
    ends.push({ at: disk.peek(path())?.length ?? 0, mark: mark(log.state), seq: log.head.seq })
  }
  await log.close()
  const bytes = disk.peek(path())
  assert(bytes, 'there is a segment')
  return { bytes, ends }
}

/** Opens a log that consists of this segment. */
async function opened(
  bytes: Buffer,
  first = 1,
): Promise<{ readonly disk: SimDisk; readonly log: Log | Fault }> {
  const disk = newDisk()
  disk.plantFile(path(first), bytes)
  try {
    return { disk, log: await Log.open(placeOn(disk)) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { disk, log: error }
  }
}
const flip = (bytes: Buffer, at: number, bit = 1): Buffer => {
  const out = Buffer.from(bytes)
  out[at] = (out[at] ?? 0) ^ bit
  return out
}

describe('Q1: flipped bits', () => {
  test('every byte of a segment: damage is told, or the last batch is cut; never another state', async () => {
    const { bytes, ends } = await sample()
    const known = new Map(ends.map((end) => [end.seq, end.mark]))
    const [before, last] = [ends.at(-2), ends.at(-1)]
    assert(before && last, 'there are batches')
    const tally = { fault: 0, readOnly: 0, cut: 0 }
    for (let at = 0; at < bytes.length; at++) {
      const { disk, log } = await opened(flip(bytes, at, 1 << (at % 8)))
      if (log instanceof Fault) {
        tally.fault++
        expect(log.code, `byte ${at}`).toMatch(/log-damaged|upgrade-needed/)
        continue
      }
      expect(mark(log.state), `byte ${at}`).toBe(known.get(log.head.seq))
      if (log.damage) {
        tally.readOnly++
        expect(at, 'damage in the middle').toBeLessThan(before.at)
        await expect(log.append([put('x.md')], startMs, keys.log.private)).rejects.toMatchObject({
          code: 'log-damaged',
        })
        expect(disk.peek(path())?.length, 'nothing is cut').toBe(bytes.length)
      } else {
        tally.cut++
        expect(log.head.seq, 'only the last batch is cut').toBe(before.seq)
        expect(torn(disk)).toHaveLength(1)
      }
      await log.close()
    }
    expect(tally.fault + tally.readOnly + tally.cut).toBe(bytes.length)
    expect(tally.cut, 'each byte of the last batch, and no other').toBe(last.at - before.at)
  })

  test('every other byte of a segment that begins with a base', async () => {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [[put('a.md'), put('b.md')]])
    await log.compact(0)
    await log.append([put('c.md')], startMs, keys.log.private)
    const before = mark(log.state)
    await log.close()
    const bytes = disk.peek(path(4))
    assert(bytes, 'there is a segment')
    let cut = 0
    for (let at = 0; at < bytes.length; at += 2) {
      const { log: found } = await opened(flip(bytes, at, 1 << (at % 8)), 4)
      if (found instanceof Fault) expect(found.code).toMatch(/log-damaged|upgrade-needed/)
      else {
        cut++
        expect(found.damage).toBeNull()
        expect(found.head.seq).toBe(3)
        await found.close()
      }
    }
    expect(cut).toBeGreaterThan(100)
    const { log: sound } = await opened(bytes, 4)
    assert(sound instanceof Log, 'the log is sound')
    expect(mark(sound.state)).toBe(before)
  })
})

describe('torn tails', () => {
  test('cut off at any byte, the log is that of the last whole batch, and the rest is kept', async () => {
    const { bytes, ends } = await sample()
    for (let length = ends[0]?.at ?? 0; length <= bytes.length; length += 7) {
      const end = ends.findLast(({ at }) => at <= length)
      assert(end, 'a batch is whole')
      const { disk, log } = await opened(bytes.subarray(0, length))
      assert(log instanceof Log, 'a torn tail is no damage')
      expect(mark(log.state)).toBe(end.mark)
      expect(torn(disk).map((one) => disk.peek(one)?.toString('hex'))).toEqual(
        length === end.at ? [] : [bytes.subarray(end.at, length).toString('hex')],
      )
      await log.append([put('on.md')], startMs, keys.log.private)
      await log.close()
      const again = await Log.open(placeOn(disk))
      expect(again.head.seq).toBe(end.seq + 1)
    }
  })

  test('what is kept is durable before it is cut, and the oldest make room', async () => {
    const { bytes, ends } = await sample()
    const disk = newDisk()
    for (let round = 0; round < 12; round++) {
      disk.plantFile(path(), bytes.subarray(0, (ends[1]?.at ?? 0) + 20 + round))
      const log = await Log.open(placeOn(disk, round + 1))
      await log.close()
    }
    expect(torn(disk)).toHaveLength(8)
    expect(torn(disk.reboot(0))).toHaveLength(8)
  })

  test('zeros that a power cut left behind are a torn tail', async () => {
    const { bytes, ends } = await sample()
    const { log } = await opened(Buffer.concat([bytes, Buffer.alloc(5000)]))
    assert(log instanceof Log, 'a torn tail is no damage')
    expect(mark(log.state)).toBe(ends.at(-1)?.mark)
  })
})

describe('damage in the middle', () => {
  const at = (ends: readonly { readonly at: number }[], i: number) => ends[i]?.at ?? 0

  test('two intact heads behind it: read-only, the place is named, and what is sound can be read', async () => {
    const { bytes, ends } = await sample()
    const spoiled = flip(bytes, at(ends, 0) + 30)
    const { disk, log } = await opened(spoiled)
    assert(log instanceof Log, 'the log can be read')
    expect(log.damage).toEqual({ at: at(ends, 0), why: 'a record does not match its checksum' })
    expect(mark(log.state)).toBe(ends[0]?.mark)
    await expect(log.append([put('x.md')], startMs, keys.log.private)).rejects.toMatchObject({
      code: 'log-damaged',
      message: `0000000000000001.seg is damaged at byte ${at(ends, 0)} (after entry 1): a record does not match its checksum.`,
      facts: { at: at(ends, 0), seq: 1 },
    })
    await expect(log.compact(0)).rejects.toMatchObject({ code: 'log-damaged' })
    expect((await payloadsOf(log)).map(kindOf)).toEqual(['entry', 'head'])
    expect(disk.peek(path())?.equals(spoiled)).toBe(true)
  })

  test('one intact head behind it may be that of the torn batch: the tail is cut', async () => {
    const { bytes, ends } = await sample()
    const { log } = await opened(flip(bytes, at(ends, 2) + 30))
    assert(log instanceof Log, 'the log can be read')
    expect([log.damage, mark(log.state)]).toEqual([null, ends[2]?.mark])
  })

  test('S20: damage in the batch that changed the key is damage: the heads behind it count', async () => {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [[put('a.md')]])
    const from = disk.peek(path())?.length ?? 0
    await log.append([rotated(log.state.keys, keys.log, keyOf(7))], startMs, keyOf(7).private)
    for (const name of ['b', 'c']) await log.append([put(`${name}.md`)], startMs, keyOf(7).private)
    await log.close()
    const { log: found } = await opened(flip(disk.peek(path()) ?? Buffer.alloc(0), from + 40))
    assert(found instanceof Log, 'the log can be read')
    expect(found.damage?.at).toBe(from)
  })

  test('more bytes behind the last head than a batch can have are no torn batch', async () => {
    const { bytes } = await sample()
    const { disk, log } = await opened(Buffer.concat([bytes, Buffer.alloc(2 * batchBytesMax + 1, 7)]))
    assert(log instanceof Log, 'the log can be read')
    expect(log.damage?.at).toBe(bytes.length)
    expect(torn(disk)).toEqual([])
  })
})

describe('what nobody signed', () => {
  /** A segment with these payloads and right checksums, as somebody with the disk in hand could make it. */
  const forge = (...payloads: readonly Uint8Array[]) =>
    Buffer.concat([writeHeader({ logId, foldVersion: 1, baseSeq: 0, baseParts: 0 }), writeRecords(payloads)])

  test('a head with another signature, at the end or in the middle, is never believed', async () => {
    const { bytes } = await sample()
    const { log: sound } = await opened(bytes)
    assert(sound instanceof Log, 'the log is sound')
    const payloads = await payloadsOf(sound)
    for (let i = 0; i < payloads.length; i++) {
      const one = payloads[i]
      if (!one || kindOf(one) !== 'head') continue
      const { log } = await opened(forge(...payloads.slice(0, i), flip(one, 200)))
      expect(log).toMatchObject({ code: 'log-damaged' })
    }
    // State hash and revision are believed no more than the signature.
    const last = payloads.at(-1)
    assert(last, 'there is a head')
    for (const byte of [75, 110]) {
      const { log } = await opened(forge(...payloads.slice(0, -1), flip(last, byte)))
      expect(log).toMatchObject({ code: 'log-damaged' })
    }
  })

  test('T8: the header names another log than the entries', async () => {
    const { bytes } = await sample()
    const header = writeHeader({ logId: Buffer.alloc(16, 9), foldVersion: 1, baseSeq: 0, baseParts: 0 })
    const { log } = await opened(Buffer.concat([header, bytes.subarray(segmentHeaderBytes)]))
    expect(log).toMatchObject({ code: 'log-damaged' })
  })

  test('a segment under the name of another, an empty one, and none', async () => {
    const { bytes } = await sample()
    for (const [content, first] of [
      [bytes, 4],
      [Buffer.alloc(0), 1],
      [bytes.subarray(0, 63), 1],
      [bytes.subarray(0, 64), 1],
      [Buffer.alloc(300), 1],
    ] as const)
      expect((await opened(content, first)).log).toMatchObject({ code: 'log-damaged' })
    await expect(Log.open(placeOn(newDisk()))).rejects.toMatchObject({ code: 'log-damaged' })
    expect(await Log.exists(placeOn(newDisk()))).toBe(false)
  })
})

describe('S27: what a newer stemma wrote', () => {
  /** The sound segment with one more batch behind it. */
  async function withMore(make: (state: Log['state']) => Buffer) {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [[put('a.md')]])
    const payload = make(log.state)
    const sound = disk.peek(path()) ?? Buffer.alloc(0)
    return { bytes: Buffer.concat([sound, writeRecords([payload, log.head.bytes])]), sound }
  }
  const place = (state: Log['state']) => [state.at.seq + 1, state.at.entry, state.at.timeMs] as const
  const events: Readonly<Record<string, object>> = {
    'a later fold version': { type: 'fold.upgraded', body: { version: 2 } },
    'an event that is not known': { type: 'file.moved', body: {} },
  }
  for (const [what, event] of Object.entries(events))
    test(`${what}: nothing is cut, nothing is skipped`, async () => {
      const { bytes } = await withMore((state) => encodeEntry(...place(state), event as Event))
      const { disk, log } = await opened(bytes)
      expect(log).toMatchObject({ code: 'upgrade-needed' })
      expect(disk.peek(path())?.equals(bytes)).toBe(true)
      expect(torn(disk)).toEqual([])
    })

  test('a later format, or rules, of the segment', async () => {
    const { bytes } = await sample()
    const later = (at: number) => {
      const header = Buffer.from(bytes.subarray(0, segmentHeaderBytes))
      header[at] = 2
      header.writeUInt32BE(crc32(header.subarray(0, 60)), 60)
      return Buffer.concat([header, bytes.subarray(segmentHeaderBytes)])
    }
    for (const byte of [9, 15])
      expect((await opened(later(byte))).log).toMatchObject({ code: 'upgrade-needed' })
  })
})

test('what a crash left of segments and tails that never got their names is swept', async () => {
  const { bytes } = await sample()
  const disk = newDisk()
  disk.plantFile(path(), bytes)
  disk.plantFile('/stemma/log/new-abc', 'half')
  disk.plantFile('/stemma/log/.tmp-abc', 'half')
  disk.plantFile('/stemma/log/notes.txt', 'mine')
  const log = await Log.open(placeOn(disk))
  await log.close()
  expect(disk.paths('/stemma/log')).toEqual([path(), '/stemma/log/notes.txt'])
})
