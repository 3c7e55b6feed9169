/**
 * S27: small logs with right checksums and signatures in which one thing is against the rules: the engine and the
 * second reader refuse the same. And odd ones that are within the rules: both take them.
 */
import { expect, test } from 'vitest'
import { encode } from '../../engine/codec/msgpack.ts'
import { sign } from '../../engine/crypto/ed25519.ts'
import { fromHash, sha256 } from '../../engine/crypto/hash.ts'
import { State } from '../../engine/fold/state.ts'
import { step } from '../../engine/fold/step.ts'
import type { SigningKey } from '../../engine/keys/keys.ts'
import { writeBase } from '../../engine/log/base.ts'
import { type Head, signHead } from '../../engine/log/head.ts'
import { Log } from '../../engine/log/log.ts'
import { writeRecords } from '../../engine/log/record.ts'
import { writeHeader } from '../../engine/log/segment.ts'
import type { Event } from '../../schemas/event/index.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import { batchEntriesMax } from '../../schemas/limits.ts'
import { charterBytes } from '../../schemas/signable.ts'
import {
  charter,
  enrolled,
  epochGranted,
  epochStarted,
  idOf,
  keyOf,
  keys,
  logId,
  newDisk,
  payloadOf,
  placeOn,
  put,
  recovered,
  revoked,
  rotated,
  secretPut,
  signedRun,
  startMs,
} from '../engine/fixture.ts'
import { headOf, rich, slips } from '../engine/log/unsound.ts'
import { type Case, describeVerifier, expectRefused, expectTaken, type Segments, segmentFile } from './run.ts'

/** A log in the making: where it stands, and its records. */
type Draft = { readonly state: State; readonly payloads: Buffer[]; key: SigningKey }

function begin(first: Event = charter()): Draft {
  const state = new State()
  state.at = { ...state.at, timeMs: startMs }
  return { state, payloads: signedRun(state, [[first]]), key: keys.log }
}
function go(draft: Draft, ...batches: readonly (readonly Event[])[]): Draft {
  draft.payloads.push(...signedRun(draft.state, batches, draft.key))
  return draft
}
function headNow({ state, key }: Draft, timeMs = state.at.timeMs): Head {
  assert(state.keys, 'a draft has its charter')
  return signHead(state, state.keys, timeMs, key.private)
}
/** An entry that no fold takes, and a head over the state as it was: all that a signature can do. */
function force(draft: Draft, payload: Buffer): Draft {
  const { state } = draft
  expect(isRefusal(step(state, payload)), 'the engine refuses it').toBe(true)
  state.advance({ seq: state.at.seq + 1, hash: sha256(payload), timeMs: state.at.timeMs, keys: null }, [])
  draft.payloads.push(payload, headNow(draft).bytes)
  return draft
}

type Header = Partial<Parameters<typeof writeHeader>[0]>
const header = (fields: Header = {}) =>
  writeHeader({ logId, foldVersion: 1, baseSeq: 0, baseParts: 0, ...fields })
/** The segment that begins with entry 1. */
const first = ({ payloads }: Draft, fields?: Header): Buffer =>
  Buffer.concat([header(fields), writeRecords(payloads)])
/** A segment that is a base and no more. */
const based = (head: Head, parts: readonly Buffer[]): Buffer =>
  Buffer.concat([
    header({ baseSeq: head.seq, baseParts: parts.length }),
    writeRecords([...parts, head.bytes]),
  ])
const compacted = (draft: Draft): Buffer => based(headNow(draft), writeBase(draft.state))

/** Followers 1 and 2, the second revoked; a secret; the first epoch, granted. */
const furnished = (): Draft =>
  go(
    begin(),
    [put('AGENTS.md'), put('skills/grüße/SKILL.md'), secretPut('.env')],
    [enrolled(1), enrolled(2), revoked(2), epochStarted(1), epochGranted(1, 1)],
  )

describeVerifier('S27: the rules, to a second reader', () => {
  test('entries against the rules', async () => {
    const { keys: history } = furnished().state
    const next = keyOf(30)
    const blob = Buffer.alloc(32)
    const follower = (n: number) => fromHash(idOf(n))
    const file = (path: string) => ({ path, exec: false, size: 0, blob })
    const entries: readonly [RegExp, string, object][] = [
      [/charter is entry 1/, 'log.chartered', charter().body],
      [/upgrade needed/, 'fold.upgraded', { version: 2 }],
      [/no upgrade/, 'fold.upgraded', { version: 1 }],
      [/unknown type .*upgrade needed/, 'file.renamed', {}],
      [/not there/, 'file.removed', { path: '.env' }],
      [/not there/, 'secret.removed', { path: 'AGENTS.md' }],
      [/other section/, 'file.put', file('.env')],
      [/collides/, 'file.put', file('agents.MD')],
      [/collides/, 'file.put', file('AGENTS.md/x')],
      [/collides/, 'file.put', file('Skills/x')],
      [/collides/, 'secret.put', { path: 'skills/GRÜSSE', exec: false, content: Buffer.alloc(16) }],
      [/not legal/, 'file.put', file('skills/../x')],
      [/not legal/, 'file.put', file('a\u202eb')],
      [/not a boolean/, 'file.put', { ...file('x'), exec: 1 }],
      [/whole number/, 'file.put', { ...file('x'), size: 0.5 }],
      [/whole number/, 'file.put', { ...file('x'), size: 67_108_865 }],
      [/binary of 32/, 'file.put', { ...file('x'), blob: Buffer.alloc(31) }],
      [/exactly/, 'file.put', { ...file('x'), mode: 0 }],
      [/was enrolled/, 'follower.enrolled', enrolled(2).body],
      [/node key of this log/, 'follower.enrolled', { ...enrolled(3).body, node: keys.node.public }],
      [/not allowed/, 'follower.enrolled', { ...enrolled(3).body, name: 'two\nlines' }],
      [/one of/, 'follower.enrolled', { ...enrolled(3).body, platform: 'solaris' }],
      [/no follower/, 'follower.revoked', { follower: follower(2) }],
      [/no follower/, 'follower.revoked', { follower: follower(9) }],
      [/does not follow/, 'epoch.started', { epoch: 1 }],
      [/does not follow/, 'epoch.started', { epoch: 3 }],
      [/not the current/, 'epoch.granted', { epoch: 2, follower: follower(1), sealed: blob }],
      [/no follower/, 'epoch.granted', { epoch: 1, follower: follower(2), sealed: blob }],
      [/not the current/, 'wraps.put', { epoch: 0, blob }],
      [/had a role/, 'key.rotated', rotated(history, keys.log, keys.recovery).body],
      [
        /by the log key is not valid/,
        'key.rotated',
        rotated(history, keys.log, next, { by: keyOf(31) }).body,
      ],
      [
        /by the new key is not valid/,
        'key.rotated',
        rotated(history, keys.log, next, { byNew: keys.log }).body,
      ],
      [/by the log key is not valid/, 'key.rotated', rotated(history, keys.log, next, { index: 2 }).body],
      [
        /by the recovery key is not valid/,
        'key.recovered',
        recovered(history, keys.log, next, { by: keys.log }).body,
      ],
      [/one of/, 'key.rotated', { ...rotated(history, keys.log, next).body, role: 'recovery' }],
    ]
    const cases = entries.map(([why, type, body]): Case => {
      const draft = furnished()
      const { seq, entry, timeMs } = draft.state.at
      force(draft, encode([seq + 1, entry, timeMs, type, body]))
      return [`${type} ${JSON.stringify(body)}`, why, { 1: first(draft) }]
    })
    await expectRefused(cases)
  })

  test('entries in the wrong place, and charters that are none', async () => {
    const after = (place: (at: State['at']) => readonly [unknown, Buffer, unknown]): Draft => {
      const draft = furnished()
      return force(draft, encode([...place(draft.state.at), 'enrolment.changed', { approve: true }]))
    }
    const twice = { ...keys, recovery: keys.node }
    const fields = { ...charter().body, foldVersion: 2 }
    const newer = {
      ...fields,
      byLog: sign(keys.log.private, charterBytes(fields)),
      byNode: sign(keys.node.private, charterBytes(fields)),
    }
    const chartered = (event: Event): Buffer =>
      Buffer.concat([header(), writeRecords([payloadOf(new State(), event)])])
    const other = Buffer.alloc(16, 0xee)
    const logs: readonly [RegExp, Buffer][] = [
      [/stands where entry/, first(after(({ seq, entry, timeMs }) => [seq + 2, entry, timeMs]))],
      [/another predecessor/, first(after(({ seq, timeMs }) => [seq + 1, Buffer.alloc(32), timeMs]))],
      [
        /older than what stands before/,
        first(after(({ seq, entry, timeMs }) => [seq + 1, entry, timeMs - 1])),
      ],
      [/whole number/, first(after(({ seq, entry }) => [seq + 1, entry, -1]))],
      [/one key in two roles/, chartered(charter(twice))],
      [/upgrade needed/, chartered({ type: 'log.chartered', body: newer })],
      [
        /signature of the charter by the node key/,
        chartered({ type: 'log.chartered', body: { ...charter().body, byNode: newer.byNode } }),
      ],
      [/charter is of another log|another predecessor/, chartered(charter(keys, other))],
      [/another log|another predecessor/, first(begin(), { logId: other })],
      [/fold version 0/, first(begin(), { foldVersion: 0 })],
      [/upgrade needed/, first(begin(), { foldVersion: 2 })],
      [/parts without a base/, first(begin(), { baseParts: 1 })],
      [/does not end behind a head/, header()],
    ]
    await expectRefused(logs.map(([why, bytes]) => [String(why), why, { 1: bytes }]))
  })

  test('T8: entries and heads of another history or another log', async () => {
    const ours = go(begin(), [put('AGENTS.md', 'ours')], [put('x')])
    const fork = go(begin(), [put('AGENTS.md', 'theirs')], [put('x')])
    const other = Buffer.alloc(16, 0xee)
    const foreign = go(begin(charter(keys, other)), [put('AGENTS.md', 'ours')], [put('x')])
    const mixed = (from: Draft, ...places: number[]): Segments => ({
      1: Buffer.concat([
        header(),
        writeRecords(
          ours.payloads.map((payload, i) => (places.includes(i) ? (from.payloads[i] ?? payload) : payload)),
        ),
      ]),
    })
    expect(ours.payloads.length).toBe(6)
    const cases: readonly Case[] = [
      ['an entry of a fork', /not of entry/, mixed(fork, 2)],
      ['a head of a fork', /not of entry/, mixed(fork, 3)],
      ['the rest of a fork', /another predecessor/, mixed(fork, 4, 5)],
      ['an entry of another log', /another predecessor/, mixed(foreign, 2)],
      ['a head of another log', /head is of another log/, mixed(foreign, 3)],
      ['a charter of another log', /another predecessor/, mixed(foreign, 0)],
      ['all but the header of another log', /another predecessor/, mixed(foreign, 0, 1, 2, 3, 4, 5)],
    ]
    await expectRefused(cases)
  })

  test('bases that are signed and no fold', async () => {
    const state = rich()
    const parts = writeBase(state)
    const other = rich()
    other.restore({ section: 'files', key: 'x', row: { exec: false, size: 0, blob: Buffer.alloc(32) } })
    const of = (records: readonly Buffer[]): Segments => ({ 12: based(headOf(state), records) })
    await expectTaken([['the base that the others are one step away from', /"seq": 11,/, of(parts)]])
    const oneStep = slips.map(([meant, , slip]): Case => {
      const stepped = rich()
      for (const change of slip(stepped)) stepped.restore(change)
      const why = /grant|epoch|key change|change of keys|selection|more rows/
      return [meant, why, { 12: based(headOf(stepped), writeBase(stepped)) }]
    })
    await expectRefused([
      ...oneStep,
      ['has an empty part', /is empty/, of([...parts, encode([255, parts.length, []])])],
      ['has its parts in another order', /out of place/, of(parts.toReversed())],
      ['has a part less', /another revision|state hash/, of(parts.slice(0, -1))],
      ['has a part twice', /out of place/, of([...parts, ...parts.slice(-1)])],
      ['is under the head of another', /another revision|state hash/, { 12: based(headOf(other), parts) }],
    ])
  })

  test('segments that do not go on from each other', async () => {
    const many = Array.from({ length: 260 }, (_, i) => put(`rules/${i}.md`))
    /** What an older segment should be; the newer one begins with the base at its end. */
    const ours = () => go(begin(), [put('a')], many)
    const whole = ours()
    const newer = compacted(whole)
    const seq = whole.state.at.seq + 1
    const ends = go(ours(), [put('z')])
    const fork = go(begin(), [put('b')], many)
    const shortFork = go(begin(), [put('b')], many.slice(0, 258))
    const turn = (next: SigningKey): Draft => {
      const draft = go(begin(), [put('a')])
      const event = rotated(draft.state.keys, keys.log, next)
      draft.key = next
      return go(draft, [event])
    }
    const turned = go(turn(keyOf(40)), [put('c')])
    const late = begin()
    late.payloads.push(headNow(late, startMs + 5).bytes)
    const slow = go(begin(), [put('a')])
    const foreign = begin(charter(keys, Buffer.alloc(16, 0xee)))
    const cases: readonly Case[] = [
      ['an older one that goes on', /goes on to entry/, { 1: first(ends), [seq]: newer }],
      ['a fork that ends there', /is not the end of/, { 1: first(fork), [seq]: newer }],
      ['a fork with a gap behind it', /other checkpoints/, { 1: first(shortFork), [seq]: newer }],
      ['another history of keys', /history of keys/, { 1: first(turn(keyOf(41))), 5: compacted(turned) }],
      ['time that goes back', /older than the end/, { 1: first(late), 3: compacted(slow) }],
      ['another log', /another log/, { 1: first(foreign, { logId: Buffer.alloc(16, 0xee) }), [seq]: newer }],
    ]
    await expectRefused(cases)
  })

  test('odd logs: what is within the rules is taken by both, and a step further by neither', async () => {
    const again = (...times: number[]): Draft => {
      const draft = begin()
      draft.payloads.push(...times.map((timeMs) => headNow(draft, timeMs).bytes))
      return draft
    }
    const merged = furnished()
    const [, , , , , second] = merged.payloads
    const withoutOne = { ...merged, payloads: merged.payloads.filter((payload) => payload !== second) }
    const gone = go(begin(), [put('a')])
    const ahead = compacted(go(begin(), [put('a')], [put('b')], [put('c')]))
    const minus = begin()
    const zero = payloadOf(minus.state, put('empty', ''))
    const size = zero.indexOf('a473697a6500', 0, 'hex') + 5
    const float = Buffer.from('cb8000000000000000', 'hex')
    const negative = Buffer.concat([zero.subarray(0, size), float, zero.subarray(size + 1)])
    expect(isRefusal(step(minus.state, negative))).toBe(false)
    minus.payloads.push(negative, headNow(minus).bytes)
    const large = (count: number) =>
      go(
        begin(),
        Array.from({ length: count }, (_, i) => put(`f${i}`)),
      )
    const taken: readonly Case[] = [
      [
        'a head that is signed again, later',
        /"seq": 1,.*"heads": 3,/,
        { 1: first(again(startMs, startMs + 5)) },
      ],
      ['a head less', /"heads": 2,/, { 1: first(withoutOne) }],
      ['a gap', /"seq": 4,.*"missing": 2\}/, { 1: first(gone), 5: ahead }],
      ['a beginning that is gone', /"seq": 4,/, { 5: ahead }],
      ['minus zero for a number', /"seq": 2,/, { 1: first(minus) }],
      ['minus zero, and a base', /"missing": 0\}/, { 1: first(minus), 3: compacted(minus) }],
      ['as many entries as a batch may have', /"seq": 4097,/, { 1: first(large(batchEntriesMax)) }],
    ]
    const refused: readonly Case[] = [
      [
        'a head that is signed again, earlier',
        /time of the head/,
        { 1: first(again(startMs + 5, startMs + 4)) },
      ],
      [
        'more entries than a batch may have',
        /more than 4096 entries/,
        { 1: first(large(batchEntriesMax + 1)) },
      ],
    ]
    await expectTaken(taken)
    await expectRefused(refused)
    expect(await Promise.all(taken.map(([, , log]) => isTaken(log)))).toEqual(taken.map(() => true))
    expect(await Promise.all(refused.map(([, , log]) => isTaken(log)))).toEqual(refused.map(() => false))
  })
})

/** Whether the engine opens a log whole: nothing of it is damaged, and nothing was cut off. */
async function isTaken(segments: Segments): Promise<boolean> {
  const disk = newDisk()
  for (const [number, bytes] of Object.entries(segments))
    disk.plantFile(`/stemma/log/${segmentFile(Number(number))}`, bytes)
  const log = await Log.open(placeOn(disk))
  const whole = log.damage === null && !disk.paths('/stemma/log').some((path) => path.includes('torn'))
  await log.close()
  return whole
}
