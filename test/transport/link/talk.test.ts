/** Master and follower over one wire, both honest: what travels, and that it arrives. */
import { describe, expect, test } from 'vitest'
import { fromHash } from '../../../engine/crypto/hash.ts'
import {
  blobPartBytesMax,
  creditBytes,
  needHashesMax,
  sentBytesTarget,
  stallTimeoutMs,
} from '../../../schemas/limits.ts'
import type { FollowerId } from '../../../schemas/shape.ts'
import { Random } from '../../sim/random.ts'
import { FollowerSide, halfDone, lineOf, makePair, type Pair, picture, RawFollower, sync } from './pair.ts'

const done = { host: { code: 'done', why: '' }, pull: { code: 'done', why: '' } }

function expectLevel({ there, here }: Pair): void {
  expect(here.follower.head?.bytes).toEqual(there.master.head.bytes)
  expect(here.follower.state?.stateHash()).toEqual(there.master.state.stateHash())
  expect(halfDone(here.disk)).toEqual([])
  expect(halfDone(there.disk)).toEqual([])
}

describe('a sync', () => {
  test('S18, S26: a cold join brings the base and its contents, and enrols', async () => {
    const pair = await makePair()
    await pair.there.publish({
      'AGENTS.md': 'one\n',
      'prompts/a.md': 'a\n',
      'prompts/b.md': 'a\n',
      'rules/empty': '',
    })
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    expect(await pair.here.files()).toEqual({
      'AGENTS.md': 'one\n',
      'prompts/a.md': 'a\n',
      'prompts/b.md': 'a\n',
      'rules/empty': '',
    })
    expect(pair.there.master.standing(pair.here.follower.keys.node.public)).toBe('enrolled')
    // The history is not needed: the copy begins at the base.
    expect(await pair.here.follower.log?.oldest()).toBe(pair.there.master.head.seq + 1)
  })

  test('S22, S23: a catch-up brings entries as they lie in the log; level, nothing is sent', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    await pair.there.publish({ 'AGENTS.md': 'two\n', 'rules/x': 'x' })
    await pair.there.publish({ 'rules/x': null })
    await pair.here.reopen()
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    expect(await pair.here.files()).toEqual({ 'AGENTS.md': 'two\n' })
    const before = picture(pair.here.disk)
    expect(await sync(pair)).toEqual(done)
    expect(picture(pair.here.disk)).toEqual(before)
    expect(pair.here.greeted).toEqual([3, 6, 6])
  })

  test('S26: a thousand batches arrive in runs, larger than any window', async () => {
    const pair = await makePair()
    await sync(pair)
    for (let n = 0; n < 1000; n++) await pair.there.publish({ [`rules/${'x'.repeat(100)}${n % 7}`]: `${n}` })
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    expect(Object.values(await pair.here.files()).sort()).toEqual(
      ['993', '994', '995', '996', '997', '998', '999'].sort(),
    )
  })

  test('Q2: behind a compaction the copy jumps to a base that continues it', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    for (let n = 0; n < 600; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
    await pair.there.master.compact(0)
    await pair.there.publish({ 'rules/x': 'after' })
    expect(await pair.there.master.log.oldest()).toBeGreaterThan(600)
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    expect(await pair.here.files()).toEqual({ 'AGENTS.md': '599', 'rules/x': 'after' })
    expect(pair.here.follower.state?.checkpoints).toHaveLength(2)
    await pair.here.reopen()
    expectLevel(pair)
  })

  test('S26: contents large, many and empty arrive whole', async () => {
    const pair = await makePair()
    const random = new Random(7)
    const files: Record<string, Uint8Array> = {
      'skills/a/exact.bin': random.bytes(blobPartBytesMax),
      'skills/a/one-more.bin': random.bytes(blobPartBytesMax + 1),
      'skills/a/large.bin': random.bytes(3 * 1024 * 1024 + 17),
      'skills/a/empty': Buffer.alloc(0),
    }
    // More than one ask names at once.
    for (let n = 0; n < needHashesMax + 10; n++) files[`skills/many/${n}`] = Buffer.from(`content ${n}`)
    await pair.there.publish(Object.fromEntries(Object.entries(files).slice(0, 900)))
    await pair.there.publish(Object.fromEntries(Object.entries(files).slice(900)))
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    for (const [path, file] of pair.here.follower.state?.files() ?? [])
      expect(
        (await pair.here.follower.blobs.readWhole(file.blob))?.equals(files[path] ?? Buffer.of(0)),
        path,
      ).toBe(true)
  })

  test('S22: a sync that broke off in mid-file goes on at the next', async () => {
    const pair = await makePair()
    await pair.there.publish({
      'AGENTS.md': 'one',
      'skills/a/large.bin': new Random(3).bytes(2 * 1024 * 1024),
    })
    for (let seed = 1; seed <= 12; seed++) {
      const { pull } = await sync(pair, { seed, faults: { drop: 0.15 } })
      expect(['done', 'unreachable']).toContain(pull.code)
      expect(halfDone(pair.here.disk)).toEqual([])
    }
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
  })

  test('S26: a content that the master superseded and cleared away is not missed on the way to the newest', async () => {
    const pair = await makePair()
    await sync(pair)
    await pair.there.publish({ 'AGENTS.md': 'superseded' })
    // Enough entries that the first run is stored before the last is here.
    const filler = 'x'.repeat(110)
    for (let n = 0; n < 20; n++) {
      const files: Record<string, string> = {}
      for (let m = 0; m < 1000; m++) files[`skills/${filler}/${filler}/${filler}/${m}`] = String(n % 2)
      await pair.there.publish(files)
    }
    await pair.there.publish({ 'AGENTS.md': 'newest' })
    await pair.there.master.sweep()
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
    expect((await pair.here.files())['AGENTS.md']).toBe('newest')
  })

  test('S26: a content that is damaged at the master is not sent, and said to be lacking', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    const [file] = [...pair.there.master.files.values()]
    pair.there.disk.plantFile(`/stemma/blobs/${file?.blob}`, 'two\n')
    expect((await sync(pair)).pull.code).toBe('incomplete')
    expect(pair.here.follower.head).toBeNull()
    expect(halfDone(pair.here.disk)).toEqual([])
    await pair.there.publish({ 'AGENTS.md': 'three\n' })
    expect(await sync(pair)).toEqual(done)
  })

  test('S22: what was lost of the stored contents is fetched again', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n', 'rules/x': 'x' })
    await sync(pair)
    const [file] = [...pair.there.master.files.values()]
    await pair.here.disk.unlink(`/stemma/blobs/${file?.blob}`)
    expect(await sync(pair)).toEqual(done)
    expect(await pair.here.files()).toEqual({ 'AGENTS.md': 'one\n', 'rules/x': 'x' })
  })

  test('Q1: a log that moves while a follower reads it arrives up to its newest entry', async () => {
    const pair = await makePair()
    for (let n = 0; n < 300; n++) await pair.there.publish({ [`rules/${n}`]: `${n}` })
    const [{ pull }] = await Promise.all([
      sync(pair),
      (async () => {
        for (let n = 0; n < 50; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
      })(),
    ])
    expect(pull).toEqual(done.pull)
    expect(await sync(pair)).toEqual(done)
    expectLevel(pair)
  })
})

describe('a client that stays', () => {
  test('S4: is told of every change, and of an idle head that was signed anew', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    const raw = new RawFollower(pair)
    await raw.hello({ follow: true })
    await raw.expect('hello')
    await raw.say({ t: 'want', from: 1 })
    expect((await raw.expect('entries')).records).toHaveLength(6)
    const first = await raw.expect('head')
    expect(Buffer.from(first.head)).toEqual(pair.there.master.head.bytes)
    await pair.there.publish({ 'AGENTS.md': 'two\n' })
    expect((await raw.expect('entries')).records).toHaveLength(2)
    expect(Buffer.from((await raw.expect('head')).head)).toEqual(pair.there.master.head.bytes)
    await pair.clock.advance(1000)
    pair.there.master.freshen()
    const fresh = Buffer.from((await raw.expect('head')).head)
    expect(fresh).toEqual(pair.there.master.freshHead.bytes)
    expect(fresh.equals(pair.there.master.head.bytes)).toBe(false)
    raw.wire.close('gone', 'done')
    expect(await raw.hosted).toEqual(done.host)
  })

  test('Q1: a head is only told once everything up to it was sent', async () => {
    const pair = await makePair()
    for (let n = 0; n < 400; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
    const raw = new RawFollower(pair)
    await raw.hello({ follow: true })
    await raw.expect('hello')
    await raw.say({ t: 'want', from: 1 })
    let entries = 0
    let bytes = 0
    let seq = 0
    let more = 20
    while (more > 0 || seq < pair.there.master.head.seq) {
      const message = await raw.hear()
      if (message.t === 'entries') {
        const sizes = message.records.map((record) => record.length)
        entries += message.records.filter((record) => record[0] === 0x95).length
        bytes += sizes.reduce((sum, size) => sum + size, 0)
        await raw.say({ t: 'ack', entries, bytes })
        seq = entries
        if (more-- > 0) await pair.there.publish({ 'AGENTS.md': `more ${more}` })
      } else if (message.t === 'head') {
        const told = Buffer.from(message.head).readUInt32BE(15 + 16 + 4)
        expect(told).toBe(seq)
      } else expect.unreachable(message.t)
    }
    raw.wire.close('gone', 'done')
    await raw.hosted
  })

  test('Q4: revoked in mid-stream it gets nothing more, and its key never enrols again', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    const raw = new RawFollower(pair)
    await raw.hello({ follow: true })
    await raw.expect('hello')
    await raw.say({ t: 'want', from: 1 })
    await raw.expect('entries')
    await raw.expect('head')
    await pair.there.master.revoke(pair.here.follower.id)
    await pair.there.publish({ 'AGENTS.md': 'secret plans\n' })
    await expect(raw.hear()).rejects.toMatchObject({ code: 'revoked' })
    expect(await raw.hosted).toMatchObject({ code: 'revoked' })
    expect((await sync(pair)).pull.code).toBe('revoked')
    await pair.there.master.setApproval(false)
    expect((await sync(pair)).pull.code).toBe('revoked')
    expect(pair.here.follower.head).toBeNull()
  })

  test('Q4: revoked while its contents are on the way it gets no more of them', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'skills/a/large.bin': new Random(1).bytes(4 * 1024 * 1024) })
    const [file] = [...pair.there.master.files.values()]
    const raw = new RawFollower(pair)
    await raw.hello({ follow: true })
    await raw.expect('hello')
    await raw.say({ t: 'need', hashes: [fromHash(file?.blob ?? ('' as FollowerId))] })
    await raw.expect('blob')
    await pair.there.master.revoke(pair.here.follower.id)
    await raw.say({ t: 'ack', entries: 0, bytes: sentBytesTarget })
    let more = 0
    await expect(
      (async () => {
        for (;;) {
          await raw.hear()
          more++
        }
      })(),
    ).rejects.toMatchObject({ code: 'revoked' })
    // What the window let out before.
    expect(more).toBeLessThanOrEqual(creditBytes / sentBytesTarget)
    expect(await raw.hosted).toMatchObject({ code: 'revoked' })
  })

  test('T13: a reader that acknowledges nothing is given up', async () => {
    const pair = await makePair()
    for (let n = 0; n < 600; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
    const raw = new RawFollower(pair)
    await raw.hello({ follow: true })
    await raw.expect('hello')
    await raw.say({ t: 'want', from: 1 })
    let entries = 0
    while (entries < 200) entries += (await raw.expect('entries')).records.length
    // Acknowledging nothing is no progress.
    await pair.clock.advance(stallTimeoutMs / 2)
    await raw.say({ t: 'ack', entries: 0, bytes: 0 })
    await pair.clock.advance(stallTimeoutMs / 2 + 1000)
    expect(await raw.hosted).toMatchObject({ code: 'timed-out' })
  })
})

describe('enrolment', () => {
  test('S14: with approval a machine waits, is listed, is let in by a person, and goes on', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await pair.there.master.setApproval(true)
    const syncing = sync(pair)
    await pair.clock.advance(60_000)
    expect(pair.here.waits).toBe(1)
    expect(pair.there.gate.pending()).toMatchObject([{ id: pair.here.follower.id, name: 'laptop' }])
    expect(pair.here.follower.head).toBeNull()
    expect(pair.there.gate.approve(pair.here.follower.id)).toBe(true)
    expect(await syncing).toEqual(done)
    expectLevel(pair)
    expect(pair.there.gate.pending()).toEqual([])
    expect(pair.there.gate.approve(pair.here.follower.id)).toBe(false)
    expect(await sync(pair)).toEqual(done)
  })

  test('S14: `open` lets in whoever waits', async () => {
    const pair = await makePair()
    await pair.there.master.setApproval(true)
    const syncing = sync(pair)
    await pair.clock.advance(1)
    await pair.there.master.setApproval(false)
    expect(await syncing).toEqual(done)
  })

  test('S14: a machine that went away no longer waits', async () => {
    const pair = await makePair()
    await pair.there.master.setApproval(true)
    for (let n = 0; n < 10; n++) {
      const line = lineOf(pair)
      const talks = [pair.there.host(line.right), pair.here.pull(line.left, pair.there.master.fingerprint)]
      await pair.clock.advance(1)
      expect(pair.there.gate.pending()).toHaveLength(1)
      if (n % 2 === 0) line.cut()
      else line.left.close('gone', 'enough')
      for (const end of await Promise.all(talks)) expect(end.code).toBe('unreachable')
      expect(pair.there.gate.pending()).toEqual([])
    }
  })

  test('S18: another follower beside the first has its own standing', async () => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    const other = { ...pair, here: await FollowerSide.make(pair.clock, 77) }
    expect(await sync(other)).toEqual(done)
    await pair.there.master.revoke(pair.here.follower.id)
    expect((await sync(pair)).pull.code).toBe('revoked')
    expect(await sync(other)).toEqual(done)
    expectLevel(other)
    expect(pair.there.master.followers().map((row) => row.revokedMs !== 0)).toEqual([true, false])
  })
})
