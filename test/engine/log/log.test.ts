/** A log in work: appended to, read, compacted, moved, and what a failing disk does to it while it is open. */
import { describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../engine/crypto/hash.ts'
import { Log } from '../../../engine/log/log.ts'
import { kindOf } from '../../../engine/log/record.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { batchBytesMax, batchEntriesMax } from '../../../schemas/limits.ts'
import {
  keyOf,
  keys,
  mark,
  newDisk,
  newLog,
  payloadsOf,
  placeOn,
  put,
  removed,
  rotated,
  selection,
  signedRun,
  startMs,
  stateOf,
} from '../fixture.ts'

const segment = '/stemma/log/0000000000000001.seg'
const many = (count: number, of = 'rules') => Array.from({ length: count }, (_, i) => put(`${of}/${i}.md`))
const seqs = (payloads: readonly Buffer[]) => payloads.filter((payload) => kindOf(payload) === 'entry').length

describe('a log that is written', () => {
  test('S23: is found again as it was, entry by entry', async () => {
    const place = placeOn(newDisk())
    const log = await newLog(place, [[put('a.md'), put('b.md')], [removed('a.md')]])
    const payloads = await payloadsOf(log)
    expect(payloads.map(kindOf)).toEqual(['entry', 'head', 'entry', 'entry', 'head', 'entry', 'head'])
    const before = mark(log.state)
    await log.close()
    const again = await Log.open(place)
    expect(mark(again.state)).toBe(before)
    expect(again.head.bytes).toEqual(log.head.bytes)
    expect(await payloadsOf(again)).toEqual(payloads)
    expect(again.damage).toBeNull()
  })

  test('DESIGN: a change of the format would be noticed: the bytes of a small log are pinned', async () => {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [
      [put('AGENTS.md'), selection(['memories/'])],
      [removed('AGENTS.md')],
    ])
    const first = disk.peek(segment)
    await log.compact(0)
    const second = disk.peek('/stemma/log/0000000000000005.seg')
    assert(first && second, 'both segments are there')
    // Layout of segments, records, entries, heads and bases. A new value here is a new format, and needs its number.
    expect([first.length, sha256Hex(first)]).toEqual([
      1457,
      'bcca20b39959168e39476ba738ab131ddb4edac3bad5622dadccd46be1d4c1a1',
    ])
    expect([second.length, sha256Hex(second)]).toEqual([
      717,
      '0592d4b040a659cd1a35a060dca32d013a1541d0b00f848b22cc6d45365a6b72',
    ])
  })

  test('records begin where they are asked to, within a batch too, and end at the newest head', async () => {
    const log = await newLog(placeOn(newDisk()), [many(5, 'a'), many(5, 'b')])
    const all = await payloadsOf(log)
    for (let from = 1; from <= 12; from++) {
      const some = await payloadsOf(log, from)
      expect(all.slice(all.length - some.length)).toEqual(some)
      expect(seqs(some)).toBe(12 - from)
    }
    expect(await payloadsOf(log, 99)).toEqual([])
  })

  test('an append in flight is not read, and a compaction in mid-read loses nothing', async () => {
    const log = await newLog(placeOn(newDisk()), [many(5, 'a')])
    const reading = log.records(1)
    const first = await reading.next()
    await log.compact(0)
    await log.append(many(3, 'c'), startMs, keys.log.private)
    const read = first.done ? [] : [...first.value]
    for await (const run of reading) read.push(...run)
    expect(seqs(read)).toBe(6)
  })

  test('invariant 4: calls that write take effect in the order in which they were made', async () => {
    const place = placeOn(newDisk())
    const log = await newLog(place)
    const heads = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i === 7
          ? log.compact(0).then(() => log.head)
          : log.append([put('AGENTS.md', `${i}`), put(`rules/${i}.md`)], startMs, keys.log.private),
      ),
    )
    expect(heads.filter((_, i) => i !== 7).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 19 }, (_, i) => 3 + 2 * i),
    )
    await log.close()
    const again = await Log.open(place)
    expect(mark(again.state)).toBe(mark(log.state))
    expect(again.state.maps.files.get('AGENTS.md')).toMatchObject({ size: 2 })
  })

  test('invariant 4: a call that fails does not hold up the next', async () => {
    const log = await newLog(placeOn(newDisk()))
    const results = await Promise.allSettled([
      log.append([put('a.md')], startMs, keys.log.private),
      log.append([removed('none.md')], startMs, keys.log.private),
      log.append([put('b.md')], startMs, keys.log.private),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(log.head.seq).toBe(3)
  })

  test('time never goes back, whatever the clock says', async () => {
    const log = await newLog(placeOn(newDisk()))
    const times = []
    for (const nowMs of [startMs + 5, startMs, 0, startMs + 9])
      times.push((await log.append([put('AGENTS.md', `${nowMs}`)], nowMs, keys.log.private)).timeMs - startMs)
    expect(times).toEqual([5, 5, 5, 9])
  })

  test('a batch beyond its limits is never written', async () => {
    const log = await newLog(placeOn(newDisk()))
    const before = mark(log.state)
    const rules = Array.from({ length: 120 }, (_, i) => `rules/${'x'.repeat(110)}/${'y'.repeat(110)}/${i}`)
    const large = selection(rules, rules)
    const count = Math.ceil(batchBytesMax / 50_000)
    await expect(log.append(new Array(count).fill(large), startMs, keys.log.private)).rejects.toMatchObject({
      code: 'protocol',
    })
    await expect(log.append(many(batchEntriesMax + 1), startMs, keys.log.private)).rejects.toThrow('bug:')
    await expect(log.append([], startMs, keys.log.private)).rejects.toThrow('bug:')
    expect(mark(log.state)).toBe(before)
    await log.append(many(1), startMs, keys.log.private)
  })

  test('a head is never signed with another key than that of the log, nor with one that was replaced', async () => {
    const place = placeOn(newDisk())
    const log = await newLog(place)
    const before = mark(log.state)
    await expect(log.append([put('a.md')], startMs, keyOf(9).private)).rejects.toThrow('bug:')
    const turn = rotated(log.state.keys, keys.log, keyOf(7))
    await expect(log.append([turn], startMs, keys.log.private)).rejects.toThrow('bug:')
    expect(mark(log.state)).toBe(before)
    await log.append([turn, put('a.md')], startMs, keyOf(7).private)
    await expect(log.append([put('b.md')], startMs, keys.log.private)).rejects.toThrow('bug:')
    await log.append([put('b.md')], startMs, keyOf(7).private)
    await log.close()
    const again = await Log.open(place)
    expect(again.damage).toBeNull()
    expect(again.head.seq).toBe(4)
  })
})

describe('a disk that fails', () => {
  test('invariant 2: after a failed fdatasync nothing is written until the log is opened anew', async () => {
    const disk = newDisk()
    const place = placeOn(disk)
    const log = await newLog(place, [many(2)])
    const before = mark(log.state)
    disk.failAt(disk.calls + 2, 'EIO')
    await expect(log.append([put('a.md')], startMs, keys.log.private)).rejects.toMatchObject({
      code: 'log-poisoned',
    })
    expect(mark(log.state)).toBe(before)
    for (const write of [
      () => log.append([put('b.md')], startMs, keys.log.private),
      () => log.ingest([]),
      () => log.compact(0),
    ])
      await expect(write()).rejects.toMatchObject({ code: 'log-poisoned' })
    await log.close()
    const again = await Log.open(place)
    await again.append([put('b.md')], startMs, keys.log.private)
    // What the reopened log showed is on the disk, although the sync had dropped it.
    const seen = mark(again.state)
    await again.close()
    const after = await Log.open(placeOn(disk.reboot(0), 2))
    expect(mark(after.state)).toBe(seen)
  })

  test('a full disk costs the batch, and the next one that fits goes where it was', async () => {
    const disk = newDisk({ capacityBytes: 4000 })
    const place = placeOn(disk)
    const log = await newLog(place, [many(2)])
    const before = mark(log.state)
    await expect(log.append(many(30, 'large'), startMs, keys.log.private)).rejects.toMatchObject({
      code: 'disk-full',
    })
    expect(mark(log.state)).toBe(before)
    await log.append([put('a.md')], startMs, keys.log.private)
    await log.close()
    const again = await Log.open(place)
    expect(again.head.seq).toBe(4)
    expect(disk.paths('/stemma/log').filter((path) => path.includes('torn'))).toEqual([])
  })

  test('a batch that cannot be cut off again poisons the log', async () => {
    const disk = newDisk()
    const log = await newLog(placeOn(disk), [many(2)])
    for (const call of [2, 3]) {
      const at = disk.calls
      disk.failAt(at + 1, 'ENOSPC')
      disk.failAt(at + call, 'EIO')
      await expect(log.append(many(3, 'x'), startMs, keys.log.private)).rejects.toMatchObject({
        code: /disk-full|log-poisoned/,
      })
    }
    await expect(log.append([put('a.md')], startMs, keys.log.private)).rejects.toMatchObject({
      code: 'log-poisoned',
    })
  })

  test('a segment that nobody reads any more makes room for the next one on a full disk', async () => {
    const disk = newDisk()
    const place = placeOn(disk)
    const log = await newLog(place, [many(2)])
    const release = log.hold(() => 0)
    await log.compact(0)
    await log.append([put('a.md')], startMs, keys.log.private)
    const segments = () => disk.paths('/stemma/log').length
    const held = segments()
    release()
    disk.failAt(disk.calls + 4, 'ENOSPC')
    await expect(log.compact(0)).rejects.toMatchObject({ code: 'disk-full' })
    expect(segments()).toBe(held - 1)
    await log.append([put('b.md')], startMs, keys.log.private)
    await log.close()
  })

  test('a compaction that may have left a segment with its name stops the log; one that did not, does not', async () => {
    const disk = newDisk()
    const place = placeOn(disk)
    const log = await newLog(place, [many(2)])
    // list, create, write, sync, close, rename, then the folder.
    disk.failAt(disk.calls + 3, 'ENOSPC')
    await expect(log.compact(0)).rejects.toMatchObject({ code: 'disk-full' })
    await log.append([put('a.md')], startMs, keys.log.private)
    disk.failAt(disk.calls + 7, 'EIO')
    await expect(log.compact(0)).rejects.toMatchObject({ code: 'disk-io' })
    await expect(log.append([put('b.md')], startMs, keys.log.private)).rejects.toMatchObject({
      code: 'log-poisoned',
    })
    await log.close()
    const again = await Log.open(place)
    expect(again.head.seq).toBe(4)
    await again.append([put('b.md')], startMs, keys.log.private)
  })
})

describe('segments', () => {
  test('a compaction keeps state and head, and drops what is beyond the retention', async () => {
    const disk = newDisk()
    const place = placeOn(disk)
    const log = await newLog(place, [many(300)])
    const before = mark(log.state)
    await log.compact(1000)
    expect(await log.oldest()).toBe(1)
    expect(seqs(await payloadsOf(log))).toBe(301)
    await log.append(many(10, 'b'), startMs, keys.log.private)
    expect(seqs(await payloadsOf(log, 250))).toBe(62)
    await log.compact(5)
    expect(await log.oldest()).toBe(302)
    await log.compact(5)
    await log.append(many(10, 'c'), startMs, keys.log.private)
    await log.compact(5)
    expect(await log.oldest()).toBe(312)
    expect(await payloadsOf(log, 1)).toHaveLength(11)
    expect(mark(log.state)).not.toBe(before)
    const marked = mark(log.state)
    await log.close()
    const again = await Log.open(place)
    expect(mark(again.state)).toBe(marked)
    expect(again.state.checkpoints).toEqual(log.state.checkpoints)
  })

  test('a copy begins at a base, and moves forward only', async () => {
    const source = await newLog(placeOn(newDisk()), [many(3)])
    const early = await source.base()
    await source.append(many(3, 'b'), startMs, keys.log.private)
    const late = await source.base()
    const disk = newDisk()
    const copy = await Log.adopt(placeOn(disk, 2), early)
    expect(mark(copy.state)).toBe(mark(stateOf(...many(3))).replace(/^(\d+) \d+/, `$1 ${early.head.timeMs}`))
    await copy.moveTo(late)
    expect(mark(copy.state)).toBe(mark(source.state))
    await expect(copy.moveTo(early)).rejects.toThrow('bug:')
    await expect(copy.moveTo(late)).rejects.toThrow('bug:')
    expect(disk.paths('/stemma/log')).toEqual(['/stemma/log/0000000000000008.seg'])
    const hex = (payloads: readonly (Buffer | undefined)[]) =>
      payloads.map((payload) => payload?.toString('hex'))
    expect(hex(await payloadsOf(copy))).toEqual(hex([]))
  })

  test('entries that a copy takes are kept as they came, with one head for each run', async () => {
    const source = await newLog(placeOn(newDisk()), [many(3)])
    const copy = await Log.adopt(placeOn(newDisk(), 2), await source.base())
    const state = stateOf(...many(3))
    state.at = { ...source.state.at }
    const run = signedRun(state, [many(2, 'b'), many(2, 'c'), [removed('b/0.md')]])
    const head = await copy.ingest(run)
    assert(!isRefusal(head), 'the run is taken')
    const hex = (payloads: readonly (Buffer | undefined)[]) =>
      payloads.map((payload) => payload?.toString('hex'))
    expect(hex(await payloadsOf(copy))).toEqual(
      hex([...run.filter((payload) => kindOf(payload) === 'entry'), run.at(-1)]),
    )
    expect(mark(copy.state)).toBe(mark(state))
  })
})
