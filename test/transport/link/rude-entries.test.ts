/** A master with real keys that sends entries and contents against the rules: nothing of them is stored. */
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../engine/crypto/hash.ts'
import { batchEntriesMax, laterMax } from '../../../schemas/limits.ts'
import { SimDisk } from '../../sim/disk.ts'
import { FollowerSide, MasterSide, makePair, type Pair, picture, RawMaster, sync } from './pair.ts'
import { baseOf, done, flip, slip, wanted, world } from './slips.ts'

describe('entries', () => {
  const cases: readonly [string, string, (raw: RawMaster, from: number, pair: Pair) => Promise<void>][] = [
    ['none', 'protocol', (raw) => raw.say({ t: 'entries', records: [] })],
    ['that are empty', 'protocol', (raw) => raw.say({ t: 'entries', records: [Buffer.alloc(0)] })],
    ['that are none', 'protocol', (raw) => raw.say({ t: 'entries', records: [Buffer.from('entry')] })],
    [
      'parts of a base among them',
      'protocol',
      async (raw, _from, pair) =>
        raw.say({ t: 'entries', records: [(await baseOf(pair))[0]?.part ?? Buffer.alloc(1)] }),
    ],
    [
      'that begin too late',
      'protocol',
      async (raw, from, { there }) => {
        await raw.say({ t: 'entries', records: await raw.records(from + 2) })
        await raw.say({ t: 'head', head: there.master.head.bytes })
      },
    ],
    [
      'that the follower has already',
      'protocol',
      async (raw, _from, { there }) => {
        await raw.say({ t: 'entries', records: await raw.records(1) })
        await raw.say({ t: 'head', head: there.master.head.bytes })
      },
    ],
    [
      'twice',
      'protocol',
      async (raw, from, { there }) => {
        const records = await raw.records(from)
        await raw.say({ t: 'entries', records: [...records, ...records] })
        await raw.say({ t: 'head', head: there.master.head.bytes })
      },
    ],
    [
      'without their head',
      'protocol',
      async (raw, from, { there }) => {
        await raw.say({ t: 'entries', records: (await raw.records(from)).slice(0, -1) })
        await raw.say({ t: 'head', head: there.master.head.bytes })
      },
    ],
    [
      'that never come',
      'protocol',
      (raw, _from, { there }) => raw.say({ t: 'head', head: there.master.head.bytes }),
    ],
    [
      'swapped',
      'protocol',
      async (raw, from, { there }) => {
        const [one, two, ...rest] = await raw.records(from)
        await raw.say({ t: 'entries', records: [two ?? Buffer.alloc(1), one ?? Buffer.alloc(1), ...rest] })
        await raw.say({ t: 'head', head: there.master.head.bytes })
      },
    ],
    [
      'of another log under its own head',
      'other-log',
      async (raw, from, pair) => {
        const other = await MasterSide.make(pair.clock, 500)
        for (let n = 0; n < 6; n++) await other.publish({ 'AGENTS.md': `${n}` })
        const records: Buffer[] = []
        for await (const run of other.master.log.records(from)) records.push(...run)
        await raw.say({ t: 'entries', records })
        await raw.say({ t: 'head', head: pair.there.master.head.bytes })
      },
    ],
    [
      'of another log under the head of this one',
      'protocol',
      async (raw, from, pair) => {
        const other = await MasterSide.make(pair.clock, 500)
        for (let n = 0; n < 6; n++) await other.publish({ 'AGENTS.md': `${n}` })
        const records: Buffer[] = []
        for await (const run of other.master.log.records(from)) records.push(...run)
        await raw.say({
          t: 'entries',
          records: [...records.filter((one) => one[0] === 0x95), pair.there.master.head.bytes],
        })
        await raw.say({ t: 'head', head: pair.there.master.head.bytes })
      },
    ],
  ]
  test.each(cases)('Q2: %s (%s)', async (_what, code, play) => {
    const pair = await world(false)
    const got = await slip(pair, async (raw) => play(raw, await wanted(raw), pair))
    // Which of the two an altered entry is depends on where it shows first.
    expect(code === 'other-log' ? ['other-log', 'protocol', 'bad-signature'] : [code]).toContain(got)
  })

  test('S27: with any one bit wrong are not stored, and are no fork', async () => {
    const pair = await world(false)
    const from = pair.here.seq + 1
    const records: Buffer[] = []
    for await (const run of pair.there.master.log.records(from)) records.push(...run)
    const total = records.reduce((sum, record) => sum + record.length, 0)
    for (let at = 0; at < total; at += 11) {
      const before = picture(pair.here.disk)
      const raw = new RawMaster(pair)
      let start = 0
      const wrong = records.map((record) => {
        const inside = at >= start && at < start + record.length
        const out = inside ? flip(record, at - start) : record
        start += record.length
        return out
      })
      const playing = (async () => {
        await wanted(raw)
        await raw.say({ t: 'entries', records: wrong })
        await raw.say({ t: 'head', head: pair.there.master.head.bytes })
        for (;;) await raw.hear()
      })().catch(() => undefined)
      const end = await raw.pulled
      await playing
      expect(end.code, `byte ${at}`).not.toBe('done')
      expect(picture(pair.here.disk), `byte ${at}: ${end.code}`).toEqual(before)
    }
    expect(await sync(pair)).toEqual(done)
  })

  test('Q3: without end and without a head are given up at one batch', async () => {
    const pair = await world(false)
    const records = Array.from({ length: 256 }, () => Buffer.of(0x95))
    let sent = 0
    const code = await slip(pair, async (raw) => {
      await wanted(raw)
      for (;;) {
        await raw.say({ t: 'entries', records })
        await raw.expect('ack')
        sent += records.length
      }
    })
    expect(code).toBe('protocol')
    expect(sent).toBeLessThanOrEqual(batchEntriesMax + records.length)
  })

  test('Q3: with heads that sign nothing are not gathered without end', async () => {
    const pair = await world(false)
    let sent = 0
    const code = await slip(pair, async (raw) => {
      await wanted(raw)
      const records = Array.from({ length: 256 }, (_, n) => Buffer.of(n % 2 === 0 ? 0x95 : 0x73))
      for (;;) {
        await raw.say({ t: 'entries', records })
        await raw.expect('ack')
        sent += records.length
      }
    })
    expect(code).toBe('protocol')
    expect(sent).toBeLessThanOrEqual(70_000)
  })
})

describe('contents', () => {
  type Need = { readonly hashes: readonly Uint8Array[] }
  const cases: readonly [string, string, (raw: RawMaster, need: Need, pair: Pair) => Promise<void>][] = [
    ['no parts', 'protocol', (raw) => raw.say({ t: 'blob', parts: [] })],
    [
      'of another name',
      'protocol',
      (raw) => raw.say({ t: 'blob', parts: [[Buffer.alloc(32), 0, Buffer.from('x'), 1]] }),
    ],
    [
      'out of order',
      'protocol',
      (raw, { hashes }) =>
        raw.say({ t: 'blob', parts: [[hashes[1] ?? Buffer.alloc(32), 0, Buffer.from('x'), 1]] }),
    ],
    [
      'that begin in the middle',
      'protocol',
      (raw, { hashes }) =>
        raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 1, Buffer.from('x'), 4]] }),
    ],
    [
      'longer than they say',
      'protocol',
      (raw, { hashes }) =>
        raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('xyzuv'), 4]] }),
    ],
    [
      'that change their length',
      'protocol',
      async (raw, { hashes }) => {
        await raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('x'), 4]] })
        await raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 1, Buffer.from('x'), 2]] })
      },
    ],
    [
      'of another length than the log says',
      'protocol',
      (raw, { hashes }) =>
        raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('two\n'), 64]] }),
    ],
    [
      'in empty pieces without end',
      'protocol',
      (raw, { hashes }) =>
        raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.alloc(0), 4]] }),
    ],
    [
      'with another hash',
      'bad-signature',
      (raw, { hashes }) =>
        raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('forg'), 4]] }),
    ],
    [
      'begun and then denied',
      'protocol',
      async (raw, { hashes }) => {
        await raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('x'), 4]] })
        await raw.say({ t: 'lack', hashes: [hashes[0] ?? Buffer.alloc(32)] })
      },
    ],
    [
      'denied that nobody asked for',
      'protocol',
      (raw) => raw.say({ t: 'lack', hashes: [Buffer.alloc(32, 3)] }),
    ],
    ['denied', 'incomplete', (raw, { hashes }) => raw.say({ t: 'lack', hashes: [...hashes] })],
    ['and a hello instead', 'protocol', async (raw) => raw.blurt({ t: 'hello' })],
    ['and an ask instead', 'protocol', async (raw) => raw.say({ t: 'need', hashes: [Buffer.alloc(32)] })],
    [
      'broken off',
      'unreachable',
      async (raw, { hashes }) => {
        await raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('x'), 4]] })
        raw.wire.close('gone', 'enough')
      },
    ],
  ]
  for (const cold of [true, false])
    test.each(cases)(`S26: %s ${cold ? '(cold)' : '(behind)'} end with %s`, async (_what, code, play) => {
      const pair = await world(cold)
      const got = await slip(pair, async (raw) => {
        const from = await wanted(raw)
        if (from === 0) for (const part of await baseOf(pair)) await raw.say(part)
        else {
          await raw.say({ t: 'entries', records: await raw.records(from) })
          await raw.say({ t: 'head', head: pair.there.master.head.bytes })
        }
        await play(raw, await raw.expectPast('need'), pair)
      })
      expect(got).toBe(code)
    })

  test('Q3: entries sent while contents are awaited are kept within bounds', async () => {
    const pair = await world(true)
    let sent = 0
    const code = await slip(pair, async (raw) => {
      await wanted(raw)
      for (const part of await baseOf(pair)) await raw.say(part)
      await raw.expectPast('need')
      for (;;) {
        await raw.say({ t: 'entries', records: [Buffer.concat([Buffer.of(0x95), Buffer.alloc(60_000)])] })
        await raw.expect('ack')
        sent++
      }
    })
    expect(code).toBe('protocol')
    expect(sent).toBeLessThanOrEqual(laterMax)
  })

  test('Q3: for which there is no room are not asked for', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n', 'skills/a/large': Buffer.alloc(3_000_000, 1) })
    const disk = new SimDisk({ capacityBytes: 1_000_000 })
    const tight: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 9, disk) }
    const before = picture(disk)
    const { pull } = await sync(tight)
    expect(pull.code).toBe('disk-full')
    expect(picture(disk)).toEqual(before)
  })

  test('S26: a content that does not match its hash ends the link at once, not at the next message', async () => {
    const pair = await world(true)
    const code = await slip(pair, async (raw) => {
      await wanted(raw)
      for (const part of await baseOf(pair)) await raw.say(part)
      const { hashes } = await raw.expectPast('need')
      expect(hashes.length).toBeGreaterThan(1)
      expect(sha256(Buffer.from('forg')).equals(hashes[0] ?? Buffer.alloc(0))).toBe(false)
      await raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('forg'), 4]] })
      for (;;) await raw.hear()
    })
    expect(code).toBe('bad-signature')
  })
})
