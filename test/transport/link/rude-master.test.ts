/** A master that does not keep to the rules, with its real keys: every slip ends the link, nothing is stored. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { baseBytesMax, basePartBytesMax } from '../../../schemas/limits.ts'
import { type Down, wireVersion } from '../../../schemas/wire/index.ts'
import { FollowerSide, MasterSide, type Pair, picture, RawMaster, sync } from './pair.ts'
import { baseOf, done, flip, slip, wanted, world } from './slips.ts'

describe('the greeting', () => {
  const cases: readonly [string, string, (raw: RawMaster, pair: Pair) => Promise<void>][] = [
    ['a want', 'protocol', (raw) => raw.blurt({ t: 'want', from: 1 })],
    ['entries before it', 'protocol', (raw) => raw.say({ t: 'entries', records: [Buffer.of(0x95)] })],
    ['a base before it', 'protocol', async (raw, pair) => raw.say((await baseOf(pair))[0] as Down)],
    [
      'a head before it',
      'protocol',
      (raw, pair) => raw.say({ t: 'head', head: pair.there.master.head.bytes }),
    ],
    [
      'two waits',
      'protocol',
      async (raw) => {
        await raw.say({ t: 'wait' })
        await raw.say({ t: 'wait' })
      },
    ],
    ['garbage', 'protocol', (raw) => raw.wire.send(Buffer.alloc(500, 0xc1))],
    [
      'another version',
      'upgrade-needed',
      async (raw) => void (await raw.greet({ version: wireVersion + 1 })),
    ],
    ['no keys', 'protocol', async (raw) => void (await raw.greet({ keys: [] }))],
    [
      'another exporter',
      'bad-signature',
      async (raw) => void (await raw.greet({ proof: Buffer.alloc(64, 1) })),
    ],
    [
      'a proof for another channel',
      'bad-signature',
      async (raw, { there }) =>
        void (await raw.greet({ proof: there.master.prove(there.master.head, Buffer.alloc(32, 9)) })),
    ],
    [
      'a head with a wrong bit',
      'bad-signature',
      async (raw, { there }) => void (await raw.greet({ head: flip(there.master.head.bytes, 50) })),
    ],
    [
      'a charter of other keys',
      'bad-signature',
      async (raw, pair) => {
        const other = await MasterSide.make(pair.clock, 500)
        await raw.greet({ keys: [...other.master.state.maps.keys.rows().values()] })
      },
    ],
    [
      'a charter twice',
      'bad-signature',
      async (raw, { there }) => {
        const rows = [...there.master.state.maps.keys.rows().values()]
        await raw.greet({ keys: [...rows, ...rows] })
      },
    ],
    [
      'two hellos',
      'protocol',
      async (raw) => {
        await raw.greet()
        await raw.expect('want')
        await raw.blurt({ t: 'hello' })
      },
    ],
  ]
  for (const cold of [true, false])
    test.each(cases)(`S18: %s (${cold ? 'cold' : 'behind'}) ends with %s`, async (_what, code, play) => {
      const pair = await world(cold)
      expect(await slip(pair, (raw) => play(raw, pair))).toBe(code)
    })

  test('S19: another key than the pinned one, before anything else', async () => {
    const pair = await world(false)
    const before = picture(pair.here.disk)
    const other: Pair = { ...pair, there: await MasterSide.make(pair.clock, 500) }
    const raw = new RawMaster(other, undefined, pair.there.master.fingerprint)
    await raw.greet()
    const end = await raw.pulled
    expect(end.code).toBe('pin-mismatch')
    expect(end.why).toContain(pair.there.master.fingerprint)
    expect(end.why).toContain(other.there.master.fingerprint)
    expect(picture(pair.here.disk)).toEqual(before)
  })
})

describe('a base', () => {
  const cases: readonly [
    string,
    (raw: RawMaster, base: Extract<Down, { t: 'base' }>[], pair: Pair) => Promise<void>,
  ][] = [
    [
      'that begins in the middle',
      async (raw, base) => raw.say({ ...(base[1] ?? base[0]), index: 1 } as Down),
    ],
    ['of no parts', async (raw, base) => raw.say({ ...base[0], of: 0 } as Down)],
    [
      'that changes its length',
      async (raw, base) => {
        await raw.say({ ...base[0], of: 5 } as Down)
        await raw.say({ ...base[1], of: 6 } as Down)
      },
    ],
    [
      'that changes its head',
      async (raw, base) => {
        await raw.say(base[0] as Down)
        await raw.say({ ...base[1], head: flip(base[0]?.head ?? Buffer.alloc(0), 60) } as Down)
      },
    ],
    [
      'with a part twice',
      async (raw, base) => {
        await raw.say(base[0] as Down)
        await raw.say(base[0] as Down)
      },
    ],
    ['with an empty part', async (raw, base) => raw.say({ ...base[0], part: Buffer.alloc(0) } as Down)],
    [
      'that stops in the middle',
      async (raw, base, { there }) => {
        await raw.say(base[0] as Down)
        await raw.say({ t: 'head', head: there.master.head.bytes })
      },
    ],
    [
      'between entries',
      async (raw, base) => {
        await raw.say(base[0] as Down)
        await raw.say({ t: 'entries', records: await raw.records(1) })
      },
    ],
    [
      'under a head of another time',
      async (raw, base, { there }) => {
        there.master.freshen()
        for (const part of base) await raw.say({ ...part, head: flip(part.head, 100) })
      },
    ],
    [
      'twice',
      async (raw, base) => {
        const wrong = base.map((part) => ({ ...part, part: flip(part.part, part.part.length - 1) }))
        for (const part of wrong) await raw.say(part)
        for (const part of base) await raw.say(part)
      },
    ],
  ]
  test.each(cases)('Q3: %s', async (_what, play) => {
    const pair = await world(true)
    const code = await slip(pair, async (raw) => {
      expect(await wanted(raw)).toBe(0)
      await play(raw, await baseOf(pair), pair)
    })
    expect(['protocol', 'bad-signature', 'state-mismatch']).toContain(code)
  })

  test('S27: with any one bit wrong is not stored', async () => {
    const pair = await world(true)
    const base = await baseOf(pair)
    const total = base.reduce((sum, { part }) => sum + part.length, 0)
    for (let at = 0; at < total; at += 23) {
      const before = picture(pair.here.disk)
      const raw = new RawMaster(pair)
      const playing = (async () => {
        await wanted(raw)
        let from = 0
        for (const part of base) {
          const inside = at >= from && at < from + part.part.length
          await raw.say(inside ? { ...part, part: flip(part.part, at - from) } : part)
          from += part.part.length
        }
        for (;;) await raw.hear()
      })().catch(() => undefined)
      const end = await raw.pulled
      await playing
      expect(end.code, `byte ${at}`).not.toBe('done')
      expect(picture(pair.here.disk), `byte ${at}`).toEqual(before)
    }
    expect(await sync(pair)).toEqual(done)
  })

  test('Q3: without end is given up at its limit', async () => {
    const pair = await world(true)
    let sent = 0
    const code = await slip(pair, async (raw) => {
      await wanted(raw)
      const [first] = await baseOf(pair)
      const part = Buffer.alloc(basePartBytesMax, 1)
      for (let index = 0; ; index++) {
        await raw.say({ ...first, index, of: 2 ** 40, part } as Down)
        await raw.expect('ack')
        sent += part.length
      }
    })
    expect(code).toBe('protocol')
    expect(sent).toBeLessThanOrEqual(baseBytesMax)
  })
})

test('S22: another follower is not touched by what happens on one link', async () => {
  const pair = await world(true)
  const other: Pair = { ...pair, here: await FollowerSide.make(pair.clock, 8) }
  const raw = new RawMaster(pair)
  await raw.wire.send(encode({ t: 'nothing' }))
  expect(await sync(other)).toEqual(done)
  expect((await raw.pulled).code).toBe('protocol')
})
