/** S22: a follower that stays on the link: every change arrives, and is complete when it is told. */
import { describe, expect, test } from 'vitest'
import { Bell } from '../../../engine/env/bell.ts'
import { Fault } from '../../../schemas/fault.ts'
import { pingEveryMs, stallTimeoutMs } from '../../../schemas/limits.ts'
import { type End, lineOf, makePair, type Pair, sync } from './pair.ts'

/** A pair whose follower stays, and what it had whenever it was level. */
class Tail {
  readonly pair: Pair
  readonly levels: { readonly seq: number; readonly files: Record<string, string> }[] = []
  readonly hosted: Promise<End>
  readonly followed: Promise<End>
  readonly #bell = new Bell()
  readonly #stop = new AbortController()

  constructor(pair: Pair, work: () => Promise<void> = () => Promise.resolve()) {
    const { there, here } = pair
    const line = lineOf(pair)
    this.pair = pair
    this.hosted = there.host(line.right)
    const level = async () => {
      this.levels.push({ seq: here.seq, files: await here.files() })
      await work()
      this.#bell.ring()
    }
    this.followed = here.follow(line.left, there.master.fingerprint, level, this.#stop.signal)
  }

  /** Until the follower was level so many times. */
  async times(count: number): Promise<void> {
    while (this.levels.length < count) {
      const rung = this.#bell.next()
      if (this.levels.length < count)
        await Promise.race([
          rung,
          this.followed.then((end) => Promise.reject(new Error(JSON.stringify(end)))),
        ])
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Fault('interrupted', 'Stopped.'))
    expect(await this.followed).toEqual({ code: 'interrupted', why: 'Stopped.' })
    expect((await this.hosted).code).toBe('done')
  }
}

describe('S22: a follower that stays', () => {
  test('has each change, with its contents, when it is told of it; a link that rests stays', async () => {
    const pair = await makePair()
    const { there } = pair
    await there.publish({ 'AGENTS.md': 'one' })
    const tail = new Tail(pair)
    await tail.times(1)
    for (const n of [2, 3, 4]) {
      await there.publish({ 'AGENTS.md': `${n}`, [`rules/${n}`]: 'x'.repeat(n * 100_000) })
      await tail.times(n)
      for (let at = 0; at < 2 * stallTimeoutMs; at += pingEveryMs) await pair.clock.advance(pingEveryMs)
    }
    await there.publish({ 'rules/2': null })
    await tail.times(5)
    expect(tail.levels.map(({ files }) => files['AGENTS.md'])).toEqual(['one', '2', '3', '4', '4'])
    expect(Object.keys(tail.levels.at(-1)?.files ?? {})).toEqual(['AGENTS.md', 'rules/3', 'rules/4'])
    expect(pair.here.follower.state?.stateHash()).toEqual(there.master.state.stateHash())
    await tail.stop()
  })

  test('what comes while it is busy comes at once afterwards', async () => {
    const pair = await makePair()
    const gate = new Bell()
    let first = true
    const tail = new Tail(pair, async () => {
      if (first) await gate.next()
      first = false
    })
    while (tail.levels.length === 0) await new Promise(setImmediate)
    for (let n = 0; n < 300; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
    gate.ring()
    while (tail.levels.at(-1)?.files['AGENTS.md'] !== '299') await tail.times(tail.levels.length + 1)
    expect(tail.levels.length).toBeLessThan(300)
    await tail.stop()
  })

  test('S22: an idle master that signs its head anew is heard, and nothing is new', async () => {
    const pair = await makePair()
    const tail = new Tail(pair)
    await tail.times(1)
    await pair.clock.advance(1_000)
    pair.there.master.freshen()
    await tail.times(2)
    expect(new Set(tail.levels.map(({ seq }) => seq)).size).toBe(1)
    await tail.stop()
  })

  test('Q2: after a compaction it goes on where it was', async () => {
    const pair = await makePair()
    await sync(pair)
    const tail = new Tail(pair)
    await tail.times(1)
    for (let n = 0; n < 300; n++) await pair.there.publish({ 'AGENTS.md': `${n}` })
    await pair.there.master.compact(0)
    await pair.there.publish({ 'AGENTS.md': 'after' })
    while (tail.levels.at(-1)?.files['AGENTS.md'] !== 'after') await tail.times(tail.levels.length + 1)
    await tail.stop()
  })

  test('Q4: a revocation ends the link, and nothing more of the log comes', async () => {
    const pair = await makePair()
    const tail = new Tail(pair)
    await tail.times(1)
    await pair.there.master.revoke(pair.here.follower.id)
    expect((await tail.followed).code).toBe('revoked')
    expect((await tail.hosted).code).toBe('revoked')
    expect(tail.levels).toHaveLength(1)
  })

  test('trouble of its own ends its link with that, and is not told to the master', async () => {
    const pair = await makePair()
    const full = new Fault('disk-full', 'No room.')
    const tail = new Tail(pair, () => Promise.reject(full))
    expect(await tail.followed).toEqual({ code: 'disk-full', why: 'No room.' })
    expect((await tail.hosted).code).toBe('done')
  })
})
