/** T8, Q2: what a peer may send of a log. Whatever is wrong with a run, state and disk are as they were before it. */
import { describe, expect, test } from 'vitest'
import { encodeEntry } from '../../../engine/fold/entry.ts'
import type { State } from '../../../engine/fold/state.ts'
import { splitRun } from '../../../engine/log/batch.ts'
import { type Head, readHead, signHead } from '../../../engine/log/head.ts'
import { behind, contradicts, firstLine } from '../../../engine/log/line.ts'
import { Log } from '../../../engine/log/log.ts'
import { kindOf } from '../../../engine/log/record.ts'
import type { Event } from '../../../schemas/event/index.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { batchBytesMax, batchEntriesMax } from '../../../schemas/limits.ts'
import {
  charter,
  enrolled,
  keyOf,
  keys,
  logId,
  mark,
  newDisk,
  newLog,
  payloadOf,
  payloadsOf,
  placeOn,
  put,
  removed,
  rotated,
  signedRun,
  startMs,
  stateOf,
} from '../fixture.ts'

/** A follower's log after two files, and a state from which honest continuations are made. */
async function follower(...after: readonly Event[]) {
  const first = [put('AGENTS.md'), put('rules/a.md')]
  const disk = newDisk()
  const log = await newLog(placeOn(disk), [first])
  const state = stateOf(...first, ...after)
  state.at = { ...log.state.at }
  return { disk, log, state }
}
const batches = [[put('rules/b.md'), removed('rules/a.md')], [put('rules/c.md')], [enrolled(1)]]

const all = (disk: { paths(): string[]; peek(path: string): Buffer | null }) =>
  disk.paths().map((path) => `${path} ${disk.peek(path)?.toString('hex') ?? ''}`)

type Wrong = readonly [
  what: string,
  code: RegExp,
  run: (good: Buffer[], state: State) => Buffer[] | Promise<Buffer[]>,
]
const at = (run: readonly Buffer[], i: number): Buffer => {
  const one = run.at(i)
  assert(one, 'the run is long enough')
  return one
}
const flipped = (bytes: Buffer, byte: number): Buffer => {
  const out = Buffer.from(bytes)
  out[byte] = (out[byte] ?? 0) ^ 1
  return out
}
/** A head with these fields changed, signed by whom it should be. */
function headOf(bytes: Buffer, change: Partial<Head>, by = keys.log): Buffer {
  const head = readHead(bytes)
  assert(!isRefusal(head), 'a head')
  const state = stateOf()
  const changed = { ...head, ...change }
  state.at = { ...state.at, seq: changed.seq, entry: changed.entry, foldVersion: changed.foldVersion }
  const stand = Object.assign(Object.create(state), {
    stateHash: () => changed.state,
    revision: () => changed.revision,
    at: state.at,
  })
  assert(state.keys, 'a charter')
  return signHead(
    stand,
    { ...state.keys, logId: changed.logId, logKey: by.public },
    changed.timeMs,
    by.private,
  ).bytes
}
const other = { log: keyOf(21), node: keyOf(22), recovery: keyOf(23) }
const otherId = Buffer.alloc(16, 9)
/** Entries of another log, with the same facts and numbers. */
async function strangers(): Promise<Buffer[]> {
  const log = await Log.create(placeOn(newDisk(), 7), [charter(other, otherId)], startMs, other.log.private)
  await log.append([put('AGENTS.md'), put('rules/a.md')], startMs + 1, other.log.private)
  for (const events of batches) await log.append(events, startMs + 1, other.log.private)
  return payloadsOf(log, 4)
}

const wrong: readonly Wrong[] = [
  ['entries of another log under their own head', /fork|other-log/, () => strangers()],
  [
    "entries of another log under this log's head",
    /fork/,
    async (good) => [...(await strangers()).filter((one) => kindOf(one) === 'entry'), at(good, -1)],
  ],
  [
    "this log's entries under the head of another",
    /other-log/,
    async (good) => [...good.slice(0, -1), at(await strangers(), -1)],
  ],
  [
    "this log's entries, the other's head at another place",
    /protocol|other-log/,
    async (good) => [at(good, 0), at(await strangers(), -1)],
  ],
  ['two entries in the other order', /protocol|fork/, (good) => [at(good, 1), at(good, 0), ...good.slice(2)]],
  [
    'two batches in the other order',
    /protocol|fork/,
    (good) => [...good.slice(3, 5), ...good.slice(0, 3), ...good.slice(5)],
  ],
  ['an entry twice', /protocol/, (good) => [at(good, 0), ...good]],
  ['a batch twice', /protocol/, (good) => [...good.slice(0, 3), ...good]],
  ['a head twice', /protocol/, (good) => [...good, at(good, -1)]],
  ['the first entry left out', /protocol/, (good) => good.slice(1)],
  ['an entry in the middle left out', /protocol/, (good) => good.filter((_, i) => i !== 1)],
  ['no head at the end', /protocol/, (good) => good.slice(0, -1)],
  ['only a head', /protocol/, (good) => [at(good, -1)]],
  ['nothing', /protocol/, () => []],
  [
    'a base part among the entries',
    /protocol/,
    (good) => [at(good, 0), Buffer.from('93000090', 'hex'), ...good.slice(1)],
  ],
  [
    'nonsense among the entries',
    /protocol/,
    (good) => [at(good, 0), Buffer.from('nonsense'), ...good.slice(1)],
  ],
  ['an empty payload', /protocol/, (good) => [Buffer.alloc(0), ...good]],
  ['a head that is too short', /protocol/, (good) => [...good.slice(0, -1), at(good, -1).subarray(0, 210)]],
  [
    'a head with a bit of its signature changed',
    /bad-signature/,
    (good) => [...good.slice(0, -1), flipped(at(good, -1), 180)],
  ],
  [
    'a head in the middle with a bit changed',
    /bad-signature/,
    (good) => good.map((one, i) => (i === 2 ? flipped(one, 180) : one)),
  ],
  [
    'a head signed by the node key',
    /bad-signature/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), {}, keys.node)],
  ],
  [
    'a head that signs another state',
    /state-mismatch/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), { state: Buffer.alloc(32, 1) })],
  ],
  [
    'a head that signs another revision',
    /state-mismatch/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), { revision: Buffer.alloc(32, 1) })],
  ],
  [
    'a head of a later number',
    /protocol/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), { seq: 99 })],
  ],
  [
    'a head that signs another entry',
    /fork/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), { entry: Buffer.alloc(32, 1) })],
  ],
  [
    'a head older than its entries',
    /refused/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), { timeMs: startMs - 1 })],
  ],
  [
    'a head of a later fold version',
    /upgrade-needed/,
    (good) => [...good.slice(0, -1), headOf(at(good, -1), { foldVersion: 2 })],
  ],
  [
    'an entry with a bit changed',
    /protocol|refused|fork|bad|state|upgrade/,
    (good) => [at(good, 0), flipped(at(good, 1), 60), ...good.slice(2)],
  ],
  ['an entry against the rules', /refused/, (good, state) => [payloadOf(state, removed('none.md')), ...good]],
  ['an entry of a kind that is not known', /upgrade-needed/, (good, state) => [unknown(state), ...good]],
  ['a second charter', /refused/, (good, state) => [second(state), at(good, -1)]],
]
const place = (state: State) => [state.at.seq + 1, state.at.entry, state.at.timeMs] as const
const unknown = (state: State): Buffer => {
  const event: object = { type: 'file.moved', body: {} }
  return encodeEntry(...place(state), event as Event)
}
const second = (state: State): Buffer => encodeEntry(...place(state), charter())

describe('T8: refused, and nothing has changed', () => {
  for (const [what, code, make] of wrong)
    test(what, async () => {
      const { disk, log, state } = await follower()
      const base = stateOf(put('AGENTS.md'), put('rules/a.md'))
      base.at = { ...log.state.at }
      const good = signedRun(state, batches)
      const run = await make(good, base)
      const before = [mark(log.state), log.head.bytes.toString('hex'), ...all(disk)]
      const answer = await log.ingest(run)
      expect(isRefusal(answer) && answer.refused).toMatch(code)
      expect([mark(log.state), log.head.bytes.toString('hex'), ...all(disk)]).toEqual(before)
      // And the honest run is taken as if nothing had been.
      expect(isRefusal(await log.ingest(good))).toBe(false)
      expect(log.head.seq).toBe(7)
      expect(mark(log.state)).toBe(mark(state))
    })
})

test('S26: what is thrown while contents are fetched leaves everything as it was', async () => {
  const { disk, log, state } = await follower()
  const good = signedRun(state, batches)
  const before = [mark(log.state), ...all(disk)]
  let seen = ''
  const failing = log.ingest(good, async (verified) => {
    seen = mark(verified)
    throw new Error('the link is gone')
  })
  await expect(failing).rejects.toThrow('the link is gone')
  expect(seen).toBe(mark(state))
  expect([mark(log.state), ...all(disk)]).toEqual(before)
})

test('S20: a run in which the log key changes is taken, with heads by the key of each moment', async () => {
  const { log, state } = await follower()
  const first = signedRun(state, [[put('rules/b.md')]])
  const turn = rotated(state.keys, keys.log, keyOf(7))
  const after = signedRun(state, [[turn, put('rules/c.md')], [put('rules/d.md')]], keyOf(7))
  const head = await log.ingest([...first, ...after])
  assert(!isRefusal(head), 'the run is taken')
  expect(log.state.keys?.rotations).toBe(1)
  // From there on the old key signs nothing.
  const stale = headOf(at(after, -1), { seq: 8, entry: log.state.at.entry })
  expect(await log.ingest([payloadOf(log.state, put('e.md')), stale])).toMatchObject({
    refused: 'bad-signature',
  })
})

describe('how much at once', () => {
  const small = (log: Log, n: number, events: number): Buffer[] => {
    const state = stateOf()
    state.at = { ...log.state.at }
    return Array.from({ length: n }, (_, i) =>
      signedRun(state, [Array.from({ length: events }, (_, j) => put(`rules/${i}/${j}.md`, ''))]),
    ).flat()
  }

  test('Q3: a run larger than a batch is refused; cut into runs it is taken', async () => {
    const log = await newLog(placeOn(newDisk()))
    const payloads = small(log, 5, 1000)
    const before = mark(log.state)
    expect(await log.ingest(payloads)).toMatchObject({ refused: 'protocol' })
    expect(mark(log.state)).toBe(before)
    const runs = splitRun(payloads)
    expect(runs.map((run) => run.length)).toEqual([4004, 1001])
    for (const run of runs) expect(isRefusal(await log.ingest(run))).toBe(false)
    expect(log.head.seq).toBe(5001)
  })

  test('runs are cut behind heads, as few as may be, and nothing is lost', () => {
    const entry = (length: number) => Buffer.concat([Buffer.of(0x95), Buffer.alloc(length - 1)])
    const head = Buffer.concat([Buffer.of(0x73), Buffer.alloc(210)])
    const batch = (entries: number, length: number) => [
      ...Array.from({ length: entries }, () => entry(length)),
      head,
    ]
    const cut = (...payloads: Buffer[][]) => splitRun(payloads.flat()).map((run) => run.length)
    expect(cut([])).toEqual([])
    expect(cut(batch(3, 100))).toEqual([4])
    expect(cut(batch(batchEntriesMax, 10), batch(1, 10))).toEqual([batchEntriesMax + 1, 2])
    expect(cut(batch(batchEntriesMax - 1, 10), batch(1, 10))).toEqual([batchEntriesMax + 2])
    const half = batchBytesMax / 65_536 / 2
    expect(cut(batch(half, 65_536), batch(half, 65_536), batch(1, 10))).toEqual([2 * half + 2, 2])
    // What has no head goes last, where it is refused.
    expect(cut(batch(3, 100), [entry(5)])).toEqual([5])
    expect(cut([entry(5)])).toEqual([1])
    // A batch that is too large by itself is not made smaller.
    expect(cut(batch(batchEntriesMax + 1, 10))).toEqual([batchEntriesMax + 2])
    expect(cut([head, head])).toEqual([2])
  })
})

describe('T6: lines', () => {
  test('only entries that lead to a signed head are a line', async () => {
    const { state } = await follower()
    const log = { logId, logKey: keys.log.public }
    const good = signedRun(state, batches)
    const line = firstLine(good, log)
    expect(line?.records).toHaveLength(3)
    expect(line?.head.seq).toBe(5)
    for (const [what, run] of [
      ['no entries', [at(good, 2)]],
      ['no head', good.slice(0, 2)],
      ['a gap', [at(good, 0), at(good, 2)]],
      ['another order', [at(good, 1), at(good, 0), at(good, 2)]],
      ['another head', [at(good, 0), at(good, 1), at(good, 4)]],
      ['a changed entry', [flipped(at(good, 0), 50), at(good, 1), at(good, 2)]],
      ['a changed head', [at(good, 0), at(good, 1), flipped(at(good, 2), 190)]],
      ['nonsense', [Buffer.from('nonsense'), ...good]],
    ] as const)
      expect(firstLine(run, log), what).toBeNull()
    expect(firstLine(good, { logId, logKey: keys.node.public })).toBeNull()
    expect(firstLine(good, { logId: otherId, logKey: keys.log.public })).toBeNull()
  })

  test('a line contradicts a head that it passes by, and says nothing of others', async () => {
    const { log, state } = await follower()
    const good = signedRun(state, batches)
    const { state: another } = await follower()
    const different = signedRun(another, [[put('rules/x.md'), put('rules/y.md')]])
    const by = { logId, logKey: keys.log.public }
    const [ours, theirs] = [firstLine(good, by), firstLine(different, by)]
    assert(ours && theirs, 'both are lines')
    // Both follow from the follower's own head; they part behind it.
    expect(contradicts(ours, log.head)).toBe(false)
    expect(contradicts(theirs, ours.head)).toBe(true)
    expect(contradicts(ours, theirs.head)).toBe(true)
    expect(contradicts(ours, ours.head)).toBe(false)
    const last = firstLine(good.slice(3), by)
    assert(last, 'a line')
    expect(contradicts(last, theirs.head)).toBe(true)
    expect(contradicts(last, ours.head)).toBe(false)
    expect(contradicts(last, log.head)).toBe(false)
  })

  test('what is behind a number begins with the next entry', async () => {
    const { state } = await follower()
    const good = signedRun(state, batches)
    const lengths = [0, 3, 4, 5, 6, 7, 8].map((seq) => behind(good, seq).length)
    expect(lengths).toEqual([7, 7, 6, 4, 2, 0, 0])
  })
})
