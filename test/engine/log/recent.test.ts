/** S22: what followers that are level ask for comes from memory, and is what the log holds. */
import { describe, expect, test } from 'vitest'
import { Recent } from '../../../engine/log/recent.ts'
import { recentBytesMax, recentRecordsMax } from '../../../schemas/limits.ts'
import { Random } from '../../sim/random.ts'

type Record = { readonly seq: number; readonly text: string }

/** A log by hand: batches of entries, each with its head, and what lies there from an entry on. */
class Model {
  readonly records: Record[] = []
  seq: number

  constructor(before: number) {
    this.seq = before
  }

  append(sizes: readonly number[]): { readonly first: number; readonly payloads: readonly Buffer[] } {
    const first = this.seq + 1
    const batch = sizes.map((size): Record => {
      const seq = ++this.seq
      return { seq, text: `${seq}`.padEnd(size, '.') }
    })
    batch.push({ seq: this.seq, text: `head ${this.seq}` })
    this.records.push(...batch)
    return { first, payloads: batch.map(({ text }) => Buffer.from(text)) }
  }

  from(seq: number): readonly string[] {
    return this.records.filter((one) => one.seq >= seq).map(({ text }) => text)
  }
}
const texts = (records: readonly Buffer[] | null) => records?.map(String) ?? null

describe('S22: the newest records', () => {
  test('nothing is known before the first, nor of what was before it', () => {
    const recent = new Recent()
    expect(recent.from(1)).toBe(null)
    const model = new Model(7)
    const { first, payloads } = model.append([3, 3])
    recent.add(first, payloads)
    expect(recent.from(7)).toBe(null)
    expect(texts(recent.from(8))).toEqual(['8..', '9..', 'head 9'])
    expect(texts(recent.from(9))).toEqual(['9..', 'head 9'])
    expect(texts(recent.from(10))).toEqual([])
  })

  test('a copy is kept: whoever reuses the bytes changes nothing', () => {
    const recent = new Recent()
    const payloads = [Buffer.from('entry'), Buffer.from('head')]
    recent.add(1, payloads)
    for (const payload of payloads) payload.fill(0)
    expect(texts(recent.from(1))).toEqual(['entry', 'head'])
  })

  test.each([1, 2, 3])('from any entry it gives what the log holds, or nothing at all (seed %i)', (seed) => {
    const random = new Random(seed)
    const recent = new Recent()
    const model = new Model(random.below(1000))
    let known = 0
    for (let n = 0; n < 400; n++) {
      const count = random.chance(0.02) ? 3_000 : 1 + random.below(5)
      const size = random.chance(0.05) ? recentBytesMax / 6 : 200
      const { first, payloads } = model.append(
        Array.from({ length: count }, () => 20 + random.below(count > 5 ? 200 : size)),
      )
      recent.add(first, payloads)
      const back = random.below(60)
      const given = texts(recent.from(model.seq - back))
      if (given === null) continue
      known++
      expect(given).toEqual(model.from(model.seq - back))
      expect(given.length).toBeLessThanOrEqual(recentRecordsMax)
    }
    expect(known).toBeGreaterThan(200)
  })

  test('its memory is bounded, by records and by bytes, also when one batch is too much', () => {
    for (const size of [30, recentBytesMax / 8, recentBytesMax + 1]) {
      const recent = new Recent()
      const model = new Model(0)
      for (let n = 0; n < (size === 30 ? recentRecordsMax : 40); n++) {
        const { first, payloads } = model.append([size])
        recent.add(first, payloads)
      }
      let oldest = model.seq + 1
      while (oldest > 1 && recent.from(oldest - 1) !== null && model.seq - oldest < 50) oldest--
      const kept = recent.from(oldest) ?? []
      expect(kept.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(recentBytesMax)
    }
  })
})
