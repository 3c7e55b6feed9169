/** S59: a master that was restored from a copy takes back what a follower kept, or is found forked. */
import { describe, expect, test } from 'vitest'
import { recallTimeoutMs, stallTimeoutMs } from '../../../schemas/limits.ts'
import {
  FollowerSide,
  halfDone,
  lineOf,
  makePair,
  type Pair,
  picture,
  RawFollower,
  RawMaster,
  sync,
} from './pair.ts'

const done = { host: { code: 'done', why: '' }, pull: { code: 'done', why: '' } }

/** A follower at entry `ahead` of a master that was restored from its state before that. */
async function restored(
  batches: number,
  more: (pair: Pair) => Promise<void> = async () => undefined,
): Promise<Pair> {
  const pair = await makePair()
  await pair.there.publish({ 'AGENTS.md': 'before\n', 'rules/gone': 'gone' })
  await sync(pair)
  const copy = pair.there.save()
  for (let n = 0; n < batches; n++)
    await pair.there.publish({ 'AGENTS.md': `lost ${n}\n`, [`rules/${n % 50}`]: `${n}` })
  await pair.there.publish({ 'rules/gone': null })
  await more(pair)
  await sync(pair)
  await pair.there.restore(copy)
  return pair
}

function expectLevel({ there, here }: Pair): void {
  expect(there.master.head.bytes).toEqual(here.follower.head?.bytes)
  expect(there.master.state.stateHash()).toEqual(here.follower.state?.stateHash())
  expect(halfDone(there.disk)).toEqual([])
}

async function expectWhole({ there }: Pair): Promise<void> {
  for (const file of there.master.files.values())
    expect(await there.master.blobs.readWhole(file.blob)).not.toBeNull()
}

describe('a restored master', () => {
  test('S59: takes the lost tail back, entries and contents, and goes on from there', async () => {
    const pair = await restored(3)
    expect(pair.there.master.head.seq).toBeLessThan(pair.here.seq)
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    await expectWhole(pair)
    await pair.there.publish({ 'AGENTS.md': 'after\n' })
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    await pair.there.restore(pair.there.save())
    expectLevel(pair)
  })

  test('S59: a tail longer than any window comes back within the credit', async () => {
    const pair = await restored(700)
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    await expectWhole(pair)
  })

  test('S59: a content of many parts comes back too', async () => {
    const large = Buffer.alloc(3 * 1024 * 1024, 7)
    const pair = await restored(1, ({ there }) => there.publish({ 'skills/a/large.bin': large }))
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    await expectWhole(pair)
  })

  test('S59: a follower whose own enrolment was lost is no reason to fork: it waits for one with the history', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    const copy = pair.there.save()
    const late: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 77) }
    expect(await sync(late)).toEqual(done)
    await pair.there.publish({ 'AGENTS.md': 'two\n' })
    await sync(pair)
    await sync(late)
    await pair.there.restore(copy)
    const seq = pair.there.master.head.seq
    for (let n = 0; n < 2; n++) {
      const { host, pull } = await sync(late)
      expect([host.code, pull.code]).toEqual(['rollback', 'rollback'])
    }
    expect(pair.there.master.head.seq).toBe(seq)
    expect(pair.there.master.standing(late.here.follower.keys.node.public)).toBe('unknown')
    expect(await sync(pair)).toEqual(done)
    expect(pair.there.master.standing(late.here.follower.keys.node.public)).toBe('enrolled')
    expect(await sync(late)).toEqual(done)
    expectLevel(pair)
    expectLevel(late)
  })

  test('S59: with approval too, since the lost entries tell who was let in', async () => {
    const pair = await makePair()
    await sync(pair)
    await pair.there.master.setApproval(true)
    const copy = pair.there.save()
    const late: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 77) }
    const joining = sync(late)
    await pair.clock.advance(1)
    pair.there.gate.approve(late.here.follower.id)
    expect(await joining).toEqual(done)
    await sync(pair)
    await pair.there.restore(copy)
    expect(await sync(pair)).toEqual(done)
    expect(await sync(late)).toEqual(done)
    expect(late.here.waits).toBe(1)
  })

  test('S59: of two followers that hold the tail one gives it back, and neither is taken for a fork', async () => {
    const other = await FollowerSide.make((await makePair()).clock, 99)
    const pair = await restored(20, async ({ there, clock }) => {
      Object.assign(other, { clock })
      expect((await sync({ there, here: other, clock })).pull.code).toBe('done')
    })
    // The other one is a little further behind.
    const ends = await Promise.all([sync(pair), sync({ ...pair, here: other }), sync(pair)])
    for (const end of ends) expect(end).toEqual(done)
    expectLevel(pair)
    expect(pair.there.master.forked).toBeNull()
    expect(await sync({ ...pair, here: other })).toEqual(done)
    expectLevel({ ...pair, here: other })
  })

  test('S59: nothing is appended while a lost tail is known, whatever the follower does meanwhile', async () => {
    const pair = await restored(3)
    const lost = pair.here.seq
    const raw = new RawFollower(pair)
    await raw.hello()
    const from = (await raw.expect('recall')).from
    expect(from).toBe(pair.there.master.head.seq + 1)
    await expect(pair.there.publish({ 'AGENTS.md': 'too early\n' })).rejects.toMatchObject({
      code: 'rollback',
    })
    raw.wire.close('gone', 'out of battery')
    expect((await raw.hosted).code).toBe('unreachable')
    await expect(pair.there.publish({ 'AGENTS.md': 'still\n' })).rejects.toMatchObject({ code: 'rollback' })
    expect(pair.there.master.head.seq).toBe(from - 1)
    expect(await sync(pair)).toEqual(done)
    expect(pair.there.master.head.seq).toBe(lost)
    await pair.there.publish({ 'AGENTS.md': 'now\n' })
  })

  test('S59: what one follower gives back is not enough while another is known to hold more', async () => {
    const pair = await makePair()
    const lesser: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 66) }
    await sync(pair)
    await sync(lesser)
    await sync(pair)
    const copy = pair.there.save()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(lesser)
    await pair.there.publish({ 'AGENTS.md': 'two\n' })
    await sync(pair)
    await pair.there.restore(copy)
    const raw = new RawFollower(pair)
    await raw.hello()
    await raw.expect('recall')
    raw.wire.close('gone', 'later')
    await raw.hosted
    expect(await sync(lesser)).toEqual(done)
    await expect(pair.there.publish({ 'AGENTS.md': 'too early\n' })).rejects.toMatchObject({
      code: 'rollback',
    })
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    await pair.there.publish({ 'AGENTS.md': 'now\n' })
  })

  test('Q2: one that wrote before the follower came is forked: it stops, both keep evidence, nothing is applied', async () => {
    const pair = await restored(3)
    await pair.there.publish({ 'AGENTS.md': 'another history\n' })
    const before = picture(pair.here.disk)
    const { host, pull } = await sync(pair)
    // The follower judges for itself: what it is shown is older than what it has.
    expect([host.code, pull.code]).toEqual(['fork', 'rollback'])
    expect(pair.here.disk.paths('/stemma/evidence').join()).toMatch(/rollback-/)
    expect(pair.there.master.forked).toMatch(/evidence\/fork-/)
    expect(pair.there.disk.paths('/stemma/evidence')).toHaveLength(1)
    const after = picture(pair.here.disk)
    for (const [path, content] of Object.entries(before)) expect(after[path], path).toBe(content)
    await expect(pair.there.publish({ 'AGENTS.md': 'no\n' })).rejects.toMatchObject({ code: 'fork' })
    // It is so after a restart as well, until a person has judged.
    await pair.there.restore(pair.there.save())
    await expect(pair.there.publish({ 'AGENTS.md': 'no\n' })).rejects.toMatchObject({ code: 'fork' })
  })

  test('Q2: one that wrote even more than it lost is forked, too', async () => {
    const pair = await restored(1)
    for (let n = 0; n < 10; n++) await pair.there.publish({ 'AGENTS.md': `another ${n}\n` })
    expect(pair.there.master.head.seq).toBeGreaterThan(pair.here.seq)
    const before = picture(pair.here.disk, '/stemma/log')
    const { host, pull } = await sync(pair)
    expect([host.code, pull.code]).toEqual(['fork', 'fork'])
    expect(picture(pair.here.disk, '/stemma/log')).toEqual(before)
    for (const side of [pair.there, pair.here])
      expect(side.disk.paths('/stemma/evidence').join()).toMatch(/fork-/)
  })
})

describe('a follower that gives back lies', () => {
  /** A master that asks for its tail, and what it gets instead. */
  async function giving(
    what: (raw: RawFollower, records: Buffer[], pair: Pair) => Promise<void>,
  ): Promise<{ pair: Pair; code: string; before: Record<string, string> }> {
    const pair = await restored(5)
    const before = picture(pair.there.disk)
    const raw = new RawFollower(pair)
    await raw.hello()
    const { from } = await raw.expect('recall')
    const records: Buffer[] = []
    for await (const run of pair.here.follower.log?.records(from) ?? []) records.push(...run)
    await what(raw, records, pair)
    const { code } = await raw.hosted
    return { pair, code, before }
  }
  const flipped = (record: Buffer, at: number): Buffer => {
    const copy = Buffer.from(record)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy
  }
  async function expectUntouched({
    pair,
    before,
  }: {
    pair: Pair
    before: Record<string, string>
  }): Promise<void> {
    expect(picture(pair.there.disk)).toEqual(before)
    expect(pair.there.master.forked).toBeNull()
    expect(halfDone(pair.there.disk)).toEqual([])
    // And an honest one mends it.
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
  }

  test.each([0, 1, 2, 3, 5])(
    'Q2: entries with a wrong bit (record %i) are no fork, and are not stored',
    async (at) => {
      const result = await giving(async (raw, records) => {
        const target = records[at]
        if (target) records[at] = flipped(target, Math.floor(target.length / 2))
        await raw.say({ t: 'entries', records })
        await raw.say({ t: 'entries', records: [] })
        for (;;) {
          const message = await raw.hear().catch(() => null)
          if (message === null) return
          if (message.t === 'need') await raw.say({ t: 'lack', hashes: message.hashes })
        }
      })
      expect(result.code).not.toBe('done')
      expect(result.code).not.toBe('fork')
      await expectUntouched(result)
    },
  )

  test('S59: fewer entries than it claims to hold', async () => {
    const result = await giving(async (raw) => {
      await raw.say({ t: 'entries', records: [] })
    })
    expect(result.code).toBe('protocol')
    await expectUntouched(result)
  })

  test('Q3: records that are none, again and again', async () => {
    const result = await giving(async (raw) => {
      await raw.say({ t: 'entries', records: [Buffer.alloc(0), Buffer.alloc(0)] })
      await raw.hear().catch(() => null)
    })
    expect(result.code).toBe('protocol')
    await expectUntouched(result)
  })

  test('Q3: more than a master takes back', async () => {
    const result = await giving(async (raw) => {
      const record = Buffer.concat([Buffer.of(0x95), Buffer.alloc(60_000)])
      for (let n = 0; n < 2000; n++) {
        try {
          await raw.say({ t: 'entries', records: [record] })
          await raw.hear()
        } catch {
          return
        }
      }
      expect.unreachable('it must have been enough')
    })
    expect(result.code).toBe('too-many')
    await expectUntouched(result)
  })

  test('T13: nothing at all', async () => {
    const result = await giving(async (_raw, _records, { clock }) => {
      await clock.advance(stallTimeoutMs + 1)
    })
    expect(result.code).toBe('timed-out')
    await expectUntouched(result)
  })

  test('T13: a little now and then, without end', async () => {
    const result = await giving(async (raw, _records, { clock }) => {
      for (let ms = 0; ms < recallTimeoutMs; ms += stallTimeoutMs / 2) {
        await raw.say({ t: 'entries', records: [Buffer.of(0x95)] })
        await raw.expect('ack')
        await clock.advance(stallTimeoutMs / 2)
      }
    })
    expect(result.code).toBe('timed-out')
    await expectUntouched(result)
  })

  test('S26: contents that are others than were asked for', async () => {
    const result = await giving(async (raw, records) => {
      await raw.say({ t: 'entries', records })
      await raw.say({ t: 'entries', records: [] })
      await raw.expect('ack')
      const { hashes } = await raw.expect('need')
      await raw.say({ t: 'blob', parts: [[hashes[0] ?? Buffer.alloc(32), 0, Buffer.from('forged'), 6]] })
      await raw.hear().catch(() => null)
    })
    expect(result.code).toBe('bad-signature')
    await expectUntouched(result)
  })

  test('S59: that it has the entries, but not their contents: they are taken back all the same', async () => {
    const { pair, code } = await giving(async (raw, records) => {
      await raw.say({ t: 'entries', records })
      await raw.say({ t: 'entries', records: [] })
      await raw.expect('ack')
      await raw.say({ t: 'lack', hashes: (await raw.expect('need')).hashes })
      await raw.expect('hello')
      raw.wire.close('gone', 'done')
    })
    expect(code).toBe('done')
    expectLevel(pair)
  })

  test('Q2: a head of ours that is ahead, from nobody we know, does not make it a follower', async () => {
    const pair = await restored(2)
    await pair.there.master.setApproval(true).catch(() => undefined)
    const stranger: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 55) }
    const raw = new RawFollower(stranger)
    await raw.hello({ head: pair.here.follower.head?.bytes ?? null })
    await raw.expect('recall')
    raw.wire.close('gone', 'done')
    expect((await raw.hosted).code).toBe('unreachable')
    expect(pair.there.master.standing(stranger.here.follower.keys.node.public)).toBe('unknown')
  })
})

describe('a master that recalls lies', () => {
  const cases: readonly [string, (raw: RawMaster, pair: Pair) => Promise<void>][] = [
    ['entries that never were', (raw, { here }) => raw.say({ t: 'recall', from: here.seq + 1 })],
    [
      'the same twice',
      async (raw) => {
        await raw.say({ t: 'recall', from: 4 })
        await raw.say({ t: 'recall', from: 4 })
      },
    ],
    ['contents without a recall', (raw) => raw.say({ t: 'need', hashes: [Buffer.alloc(32)] })],
    ['an acknowledgement without a recall', (raw) => raw.say({ t: 'ack', entries: 0, bytes: 0 })],
    [
      'more than was sent',
      async (raw) => {
        await raw.say({ t: 'recall', from: 4 })
        await raw.expect('entries')
        await raw.say({ t: 'ack', entries: 1_000_000, bytes: 0 })
      },
    ],
    [
      'contents without end',
      async (raw) => {
        await raw.say({ t: 'recall', from: 4 })
        for (let n = 0; n < 100; n++) await raw.say({ t: 'need', hashes: [Buffer.alloc(32, n)] })
      },
    ],
  ]
  test.each(cases)('S59: it asks for %s', async (_what, act) => {
    const pair = await makePair()
    await sync(pair)
    for (let n = 0; n < 5; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
    await sync(pair)
    await pair.there.publish({ 'AGENTS.md': 'new' })
    const before = picture(pair.here.disk)
    const raw = new RawMaster(pair, lineOf(pair))
    await raw.expect('hello')
    await act(raw, pair).catch(() => undefined)
    expect((await raw.pulled).code).toBe('protocol')
    expect(picture(pair.here.disk)).toEqual(before)
    expect(await sync(pair)).toEqual(done)
  })
})
