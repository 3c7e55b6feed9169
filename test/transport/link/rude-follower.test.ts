/** A follower that does not keep to the rules: each slip ends its link with a code, and costs the master nothing. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { asksWaitingMax, blobPartBytesMax, helloTimeoutMs } from '../../../schemas/limits.ts'
import { type Up, wireVersion } from '../../../schemas/wire/index.ts'
import { FollowerSide, halfDone, lineOf, makePair, type Pair, picture, RawFollower, sync } from './pair.ts'

const done = { host: { code: 'done', why: '' }, pull: { code: 'done', why: '' } }

async function world(): Promise<Pair> {
  const pair = await makePair()
  await pair.there.publish({
    'AGENTS.md': 'one\n',
    'rules/x': 'x',
    'skills/a/large': Buffer.alloc(700_000, 1),
  })
  await sync(pair)
  await pair.there.publish({ 'AGENTS.md': 'two\n' })
  return pair
}

/** Plays one slip; the code that the link ended with, for both sides the same. */
async function slip(pair: Pair, play: (raw: RawFollower) => Promise<void>): Promise<string> {
  const before = picture(pair.there.disk)
  const raw = new RawFollower(pair)
  let heard: string | null = null
  try {
    await play(raw)
    for (;;) await raw.hear()
  } catch (error) {
    heard = (error as { code?: string }).code ?? null
  }
  const { code } = await raw.hosted
  expect(heard).toBe(code)
  expect(picture(pair.there.disk)).toEqual(before)
  expect(halfDone(pair.there.disk)).toEqual([])
  return code
}

const hello: Extract<Up, { t: 'hello' }> = {
  t: 'hello',
  version: wireVersion,
  name: 'laptop',
  platform: 'linux',
  seal: Buffer.alloc(32, 1),
  head: null,
  follow: true,
}
const greeted = async (raw: RawFollower): Promise<void> => {
  await raw.hello({ follow: true })
  await raw.expect('hello')
}
const want = (from: number): Up => ({ t: 'want', from })

describe('before the hello', () => {
  const openings: readonly [string, unknown][] = [
    ['a want', want(1)],
    ['an ask', { t: 'need', hashes: [Buffer.alloc(32)] }],
    ['an acknowledgement', { t: 'ack', entries: 0, bytes: 0 }],
    ['entries', { t: 'entries', records: [] }],
    ['an unknown type', { t: 'promote', path: 'AGENTS.md' }],
    ['a type of the other direction', { t: 'recall', from: 1 }],
    ['no type', { version: 1 }],
    ['an array', [1, 2, 3]],
    ['a number', 7],
    ['null', null],
    ['text', 'hello'],
    ['a field too many', { ...hello, admin: true }],
    ['a field too few', { t: 'hello', version: 1, name: 'x', platform: 'linux', head: null, follow: true }],
    ['a key of the wrong length', { ...hello, seal: Buffer.alloc(31) }],
    ['a head of the wrong length', { ...hello, head: Buffer.alloc(210) }],
    ['a head that is none', { ...hello, head: Buffer.alloc(211) }],
    ['a name that moves the cursor', { ...hello, name: 'lap\u001b[2Jtop' }],
    ['a name without end', { ...hello, name: 'x'.repeat(65) }],
    ['no name', { ...hello, name: '' }],
    ['a platform that is none', { ...hello, platform: 'plan9' }],
    ['a version that is no number', { ...hello, version: '1' }],
    ['a version that is a fraction', { ...hello, version: 1.5 }],
    ['a boolean that is a number', { ...hello, follow: 1 }],
  ]
  test.each(openings)('Q3: %s', async (_what, message) => {
    const pair = await world()
    expect(await slip(pair, (raw) => raw.blurt(message))).toBe('protocol')
  })

  const frames: readonly [string, Buffer][] = [
    ['an empty frame', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(1000)],
    ['nested arrays', Buffer.alloc(6000, 0x91)],
    ['a map with one key twice', Buffer.from('82a174a568656c6c6fa174a568656c6c6f', 'hex')],
    ['an extension', Buffer.from('c70105aa', 'hex')],
    ['a hello with bytes behind it', Buffer.concat([encode(hello), Buffer.of(0)])],
    ['half a hello', encode(hello).subarray(0, 40)],
    ['a map that names __proto__', Buffer.from('82a174a568656c6c6fa95f5f70726f746f5f5f81a178c3', 'hex')],
  ]
  test.each(frames)('T11: %s', async (_what, frame) => {
    const pair = await world()
    expect(await slip(pair, (raw) => raw.wire.send(frame))).toBe('protocol')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('S22: another version of the link is told so', async () => {
    expect(await slip(await world(), (raw) => raw.hello({ version: wireVersion + 1 }))).toBe('upgrade-needed')
  })

  test('T12: silence is cut after its time', async () => {
    const pair = await world()
    const silent = slip(pair, async () => undefined)
    await pair.clock.advance(helloTimeoutMs)
    expect(await silent).toBe('timed-out')
  })

  test('S22: a hang-up instead of a hello is no trouble', async () => {
    const pair = await world()
    const raw = new RawFollower(pair)
    raw.wire.close('gone', 'never mind')
    expect(await raw.hosted).toEqual(done.host)
  })

  test('Q2: a head that our key did not sign is refused, whatever its number', async () => {
    const pair = await world()
    const head = Buffer.from(pair.there.master.head.bytes)
    // Its number up and down, and its entry: where a fork or a lost tail would show.
    for (const [at, mask] of [
      [38, 1],
      [38, 8],
      [45, 1],
    ] as const) {
      const forged = Buffer.from(head)
      forged[at] = (forged[at] ?? 0) ^ mask
      expect(await slip(pair, (raw) => raw.hello({ head: forged }))).toBe('bad-signature')
    }
    expect(pair.there.master.forked).toBeNull()
  })
})

describe('after the hello', () => {
  const slips: readonly [string, (raw: RawFollower) => Promise<void>][] = [
    ['a second hello', (raw) => raw.hello()],
    [
      'a second want',
      async (raw) => {
        await raw.say(want(1))
        await raw.say(want(1))
      },
    ],
    ['entries that nobody asked for', (raw) => raw.say({ t: 'entries', records: [Buffer.of(0x95)] })],
    ['contents that nobody asked for', (raw) => raw.say({ t: 'blob', parts: [] })],
    ['a lack that nobody asked for', (raw) => raw.say({ t: 'lack', hashes: [Buffer.alloc(32)] })],
    ['an acknowledgement of what was not sent', (raw) => raw.say({ t: 'ack', entries: 1, bytes: 0 })],
    [
      'an acknowledgement of more bytes than were sent',
      async (raw) => {
        await raw.say(want(1))
        await raw.expect('entries')
        await raw.say({ t: 'ack', entries: 0, bytes: 2 ** 40 })
      },
    ],
    [
      'an acknowledgement that takes another back',
      async (raw) => {
        await raw.say(want(1))
        const { records } = await raw.expect('entries')
        const bytes = records.reduce((sum, record) => sum + record.length, 0)
        await raw.say({ t: 'ack', entries: 1, bytes })
        await raw.say({ t: 'ack', entries: 0, bytes })
      },
    ],
    [
      'more acknowledgements than messages',
      async (raw) => {
        await raw.say(want(1))
        await raw.expect('entries')
        for (let n = 0; n < 2; n++) await raw.say({ t: 'ack', entries: 0, bytes: 0 })
      },
    ],
    ['a negative number', (raw) => raw.blurt({ t: 'want', from: -1 })],
    ['a number beyond all numbers', (raw) => raw.blurt({ t: 'want', from: 2 ** 60 })],
    ['an ask for nothing', (raw) => raw.blurt({ t: 'need', hashes: [] })],
    ['an ask for a hash of the wrong length', (raw) => raw.blurt({ t: 'need', hashes: [Buffer.alloc(31)] })],
    [
      'an ask for more than one may',
      (raw) => raw.blurt({ t: 'need', hashes: Array.from({ length: 1025 }, () => Buffer.alloc(32)) }),
    ],
    ['a message of the other direction', (raw) => raw.blurt({ t: 'head', head: Buffer.alloc(211) })],
  ]
  test.each(slips)('Q3: %s', async (_what, play) => {
    const pair = await world()
    const code = await slip(pair, async (raw) => {
      await greeted(raw)
      await play(raw)
    })
    expect(code).toBe('protocol')
    expect(await sync(pair)).toEqual(done)
  })

  test('Q3: a want beyond the newest entry gets the head alone', async () => {
    const pair = await world()
    const raw = new RawFollower(pair)
    await greeted(raw)
    await raw.say(want(1_000_000))
    expect(Buffer.from((await raw.expect('head')).head)).toEqual(pair.there.master.head.bytes)
    raw.wire.close('gone', 'done')
    expect(await raw.hosted).toEqual(done.host)
  })

  test('Q3: contents that nobody has are said to be lacking, in their order', async () => {
    const pair = await world()
    const [known] = [...pair.there.master.files.values()]
    const raw = new RawFollower(pair)
    await greeted(raw)
    const real = Buffer.from(known?.blob ?? '', 'hex')
    await raw.say({ t: 'need', hashes: [Buffer.alloc(32, 1), real, Buffer.alloc(32, 2)] })
    expect((await raw.expect('lack')).hashes.map((hash) => hash[0])).toEqual([1])
    expect((await raw.expect('blob')).parts[0]?.[0]).toEqual(Uint8Array.from(real))
    expect((await raw.expect('lack')).hashes.map((hash) => hash[0])).toEqual([2])
    raw.wire.close('gone', 'done')
    expect(await raw.hosted).toEqual(done.host)
  })

  test('Q3: a flood of asks ends the link before they pile up', async () => {
    const pair = await world()
    const large = [...pair.there.master.files.values()].find((file) => file.size > blobPartBytesMax)
    const hashes = Array.from({ length: 1024 }, () => Buffer.from(large?.blob ?? '', 'hex'))
    const raw = new RawFollower(pair)
    await greeted(raw)
    let asked = 0
    const flood = async () => {
      for (;;) {
        await raw.say({ t: 'need', hashes })
        asked++
        await pair.clock.advance(0)
      }
    }
    await expect(flood()).rejects.toMatchObject({ code: 'protocol' })
    expect(asked).toBeLessThanOrEqual(asksWaitingMax + 1)
    expect((await raw.hosted).code).toBe('protocol')
  })

  test('Q3: its own trouble does not stop the master', async () => {
    const pair = await world()
    for (const code of ['log-damaged', 'log-poisoned', 'disk-full', 'fork', 'usage', 'nonsense']) {
      const closing = new RawFollower(pair)
      await greeted(closing)
      closing.wire.close(code as 'fork', 'I say so')
      expect(['done', 'fork']).toContain((await closing.hosted).code)
      const saying = new RawFollower(pair)
      await greeted(saying)
      await saying.say({ t: 'bye', code, why: 'I say so' })
      expect((await saying.hosted).code).toBe(code === 'fork' ? 'fork' : 'unreachable')
    }
    expect(pair.there.master.forked).toBeNull()
    await pair.there.publish({ 'AGENTS.md': 'still here\n' })
  })

  test('Q3: a hundred links that come and go leave nothing behind', async () => {
    const pair = await world()
    for (let n = 0; n < 100; n++) {
      const line = lineOf(pair, { seed: n })
      const raw = new RawFollower(pair, line)
      await raw.hello({ follow: true })
      if (n % 3 > 0) await raw.expect('hello')
      if (n % 3 > 1) await raw.say(want(0))
      if (n % 2 === 0) line.cut()
      else raw.wire.close('gone', 'done')
      expect(['done', 'unreachable']).toContain((await raw.hosted).code)
    }
    expect(pair.clock.waiting).toBe(0)
    expect(pair.there.master.followers()).toHaveLength(1)
  })

  test('Q4: a stranger gets nothing of the log before it is let in', async () => {
    const pair = await world()
    await pair.there.master.setApproval(true)
    const stranger: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 42) }
    const before = picture(pair.there.disk)
    const raw = new RawFollower(stranger)
    await raw.hello({ follow: true })
    expect(await raw.expect('wait')).toEqual({ t: 'wait' })
    const [known] = [...pair.there.master.files.values()]
    await raw.say(want(0))
    await raw.say({ t: 'need', hashes: [Buffer.from(known?.blob ?? '', 'hex')] })
    await pair.clock.advance(120_000)
    const next = raw.hear()
    raw.wire.close('gone', 'done')
    await expect(next).rejects.toThrow()
    await raw.hosted
    expect(picture(pair.there.disk)).toEqual(before)
  })
})
