/** A master that compacts its log while a follower reads it, slowly: the reader ends level, and nothing is kept for it after. */
import { expect, test } from 'vitest'
import { decodeEntry } from '../../../engine/fold/entry.ts'
import { kindOf } from '../../../engine/log/record.ts'
import { Fault, isRefusal } from '../../../schemas/fault.ts'
import { tally } from '../../../transport/link/records.ts'
import { FollowerSide, lineOf, makePair, type Pair, RawFollower } from './pair.ts'

const done = { code: 'done', why: '' }

async function edits(pair: Pair, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await pair.there.publish({ 'AGENTS.md': `${pair.there.master.head.seq}` })
}

/** A pair that was level once; then came three segments of two hundred entries each. */
async function longBehind(): Promise<Pair> {
  const pair = await makePair()
  await edits(pair, 1)
  const line = lineOf(pair)
  const [hosted, pulled] = await Promise.all([
    pair.there.host(line.right),
    pair.here.pull(line.left, pair.there.master.fingerprint),
  ])
  expect([hosted, pulled]).toEqual([done, done])
  for (let segment = 0; segment < 3; segment++) {
    await edits(pair, 200)
    await pair.there.master.compact(Number.MAX_SAFE_INTEGER)
  }
  // What it appended itself it would still have in memory.
  await pair.there.restore(pair.there.save())
  return pair
}

/** All that comes up to a head that says there is no more; `meanwhile` after so many messages. */
async function readAll(raw: RawFollower, meanwhile: ReadonlyMap<number, () => Promise<void>>) {
  const seqs: number[] = []
  let taken = { entries: 0, bytes: 0 }
  for (let count = 1; ; count++) {
    const message = await raw.hear()
    if (message.t === 'head') return { seqs, head: message.head, messages: count }
    if (message.t !== 'entries') throw new Error(`a ${message.t} came`)
    for (const record of message.records) {
      if (kindOf(record) !== 'entry') continue
      const sealed = decodeEntry(record)
      if (isRefusal(sealed)) throw new Error(sealed.why)
      seqs.push(sealed.entry.seq)
    }
    await meanwhile.get(count)?.()
    const more = tally(message.records)
    taken = { entries: taken.entries + more.entries, bytes: taken.bytes + more.bytes }
    await raw.say({ t: 'ack', ...taken })
  }
}

test('Q2: a slow reader gets every entry, once and in order, though its segments are compacted away meanwhile', async () => {
  const pair = await longBehind()
  const from = pair.here.seq + 1
  const raw = new RawFollower(pair)
  await raw.hello()
  await raw.expect('hello')
  await raw.say({ t: 'want', from })
  const compact = async () => {
    await edits(pair, 50)
    await pair.there.master.compact(0)
    await edits(pair, 50)
    await pair.there.master.compact(0)
  }
  const { seqs, head, messages } = await readAll(raw, new Map([1, 2, 4, 6].map((at) => [at, compact])))
  const newest = pair.there.master.head
  expect(messages).toBeGreaterThan(6)
  expect(seqs).toEqual(Array.from({ length: newest.seq - from + 1 }, (_, at) => from + at))
  expect(Buffer.from(head)).toEqual(newest.bytes)
  raw.wire.close('gone', '')
  expect(await raw.hosted).toEqual(done)
  // What was held for it goes, now that it has gone.
  expect(await pair.there.master.log.oldest()).toBeLessThan(newest.seq)
  await edits(pair, 1)
  await pair.there.master.compact(0)
  expect(await pair.there.master.log.oldest()).toBe(newest.seq + 2)
})

test('Q2: a reader that leaves in mid-way holds nothing, and is sent a base the next time', async () => {
  const pair = await longBehind()
  const line = lineOf(pair)
  const raw = new RawFollower(pair, line)
  await raw.hello()
  await raw.expect('hello')
  await raw.say({ t: 'want', from: pair.here.seq + 1 })
  await raw.expect('entries')
  line.cut()
  await raw.hosted
  await edits(pair, 1)
  await pair.there.master.compact(0)
  const { head } = pair.there.master
  expect(await pair.there.master.log.oldest()).toBe(head.seq + 1)
  const next = lineOf(pair)
  const ends = await Promise.all([
    pair.there.host(next.right),
    pair.here.pull(next.left, pair.there.master.fingerprint),
  ])
  expect(ends).toEqual([done, done])
  expect(pair.here.follower.head?.bytes).toEqual(head.bytes)
})

test('Q2: followers that join, catch up and stay while the master compacts all end level', async () => {
  const pair = await longBehind()
  const newcomer = await FollowerSide.make(pair.clock, 77)
  const { master } = pair.there
  const last = { 'rules/last': 'yes' }
  const stop = new AbortController()
  const stays = (side: FollowerSide) => {
    const line = lineOf({ ...pair, here: side })
    const level = new Promise<void>((resolve) => {
      const look = async () => {
        if ('rules/last' in (await side.files())) resolve()
      }
      void side.follow(line.left, master.fingerprint, look, stop.signal)
    })
    const hosted = pair.there.host(line.right, stop.signal)
    return { level, hosted }
  }
  const links = [stays(pair.here), stays(newcomer)]
  for (let round = 0; round < 5; round++) {
    await edits(pair, 20)
    await master.compact(0)
  }
  await pair.there.publish(last)
  await Promise.all(links.map(({ level }) => level))
  for (const side of [pair.here, newcomer]) expect(side.follower.head?.bytes).toEqual(master.head.bytes)
  stop.abort(new Fault('interrupted', 'The test is over.'))
  await Promise.allSettled(links.map(({ hosted }) => hosted))
})
