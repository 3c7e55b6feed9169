/**
 * The doors that bytes from outside come through, each as a function that throws when it does what it must not:
 * throw anything, take what the scan should have stopped, or read another thing than an independent reader does.
 */
import { decode, encode } from '../../engine/codec/msgpack.ts'
import { scanFault } from '../../engine/codec/scan.ts'
import { decodeEntry } from '../../engine/fold/entry.ts'
import { readBase, writeBase } from '../../engine/log/base.ts'
import { readHead, signHead } from '../../engine/log/head.ts'
import { readRecord, writeRecords } from '../../engine/log/record.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import { msgpackDepthMax } from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import { down, up } from '../../schemas/wire/index.ts'
import { readValue } from '../engine/codec/wild.ts'
import * as draft from '../engine/fixture.ts'

function mustKeys<T>(keys: T | null): T {
  assert(keys, 'a state has keys')
  return keys
}

/** One of everything that a log holds. */
export const sample = (() => {
  const state = draft.stateOf()
  const events = [
    draft.put('AGENTS.md'),
    draft.put('skills/grüße/SKILL.md', 'x', true),
    draft.secretPut('auth.json'),
    draft.enrolled(1),
    draft.approval(true),
    draft.epochStarted(1),
    draft.epochGranted(1, 1),
    draft.selection(['memories/'], ['prompts/old.md']),
    draft.rotated(state.keys, draft.keys.node, draft.keyOf(9), { role: 'node' }),
    draft.recovered({ ...mustKeys(state.keys), rotations: 1 }, draft.keys.log, draft.keyOf(8)),
    draft.revoked(1),
    draft.removed('AGENTS.md'),
  ]
  const payloads = events.map((event) => {
    const payload = draft.payloadOf(state, event)
    assert(draft.fold(state, event) === null, 'every draft is accepted')
    return payload
  })
  const head = signHead(state, mustKeys(state.keys), state.at.timeMs, draft.keyOf(8).private)
  const records = payloads.map((payload) => writeRecords([payload, head.bytes]))
  return { state, head, parts: writeBase(state), payloads, records, mark: draft.mark(state) }
})()

export const messages = [
  encode({ t: 'want', from: 300 }),
  encode({ t: 'entries', records: sample.payloads.slice(0, 3) }),
  encode({ t: 'blob', parts: [[Buffer.alloc(32, 1), 0, Buffer.alloc(100, 2), 100]] }),
  encode([null, true, -5, 1.5, 2 ** 40, 'text', { deep: [{ a: [[]] }] }]),
].map((made) => Buffer.from(made))

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.from(a).equals(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  const [left, right] = [Object.entries(a), Object.entries(b)]
  if (Array.isArray(a) !== Array.isArray(b) || left.length !== right.length) return false
  return left.every(([key, value], i) => key === right[i]?.[0] && same(value, right[i]?.[1]))
}

/** Whether it is one sound value of our dialect. */
export function frameDoor(frame: Buffer): boolean {
  const fault = scanFault(frame)
  const expected = readValue(frame, msgpackDepthMax)
  assert((fault === null) === (expected !== null), `the scan says ${fault}`)
  const read = decode(frame, v.unknown(), 'It')
  if (expected === null) {
    assert(isRefusal(read), 'what the scan stops is not decoded')
    return false
  }
  assert(same(read, expected.value) || frame.includes('__proto__'), 'decoded otherwise')
  return true
}

/** Whether it is a message, of either direction. */
export const messageDoor = (frame: Buffer): boolean =>
  !isRefusal(decode(frame, up, 'It')) || !isRefusal(decode(frame, down, 'It'))

export const entryDoor = (payload: Buffer): boolean => !isRefusal(decodeEntry(payload))
export const headDoor = (payload: Buffer): boolean => !isRefusal(readHead(payload))

/** A base of which one part is this: only parts that say the same in the same order give what the head signs. */
export function baseDoor(part: Buffer, at = 0): boolean {
  const changed = sample.parts.map((own, index) => (index === at ? part : own))
  const base = readBase(changed, sample.head)
  if (isRefusal(base)) return false
  assert(draft.mark(base) === sample.mark, 'another state under the same head')
  return true
}

export function recordDoor(bytes: Buffer): boolean {
  const record = readRecord(bytes, 0, 0)
  return record !== 'short' && 'kind' in record
}
