/**
 * T11, Q3: mutated frames at every door that bytes from outside come through. Nothing throws, nothing is decoded
 * that the scan should have stopped, and what is decoded means what an independent reader says it means.
 * A slice runs in the normal suite; `npm run test:fuzz` runs a million and more within a heap of 128 MB.
 */
import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import { decode, encode } from '../../engine/codec/msgpack.ts'
import { scanFault } from '../../engine/codec/scan.ts'
import { decodeEntry } from '../../engine/fold/entry.ts'
import { readBase, writeBase } from '../../engine/log/base.ts'
import { type Head, readHead, signHead } from '../../engine/log/head.ts'
import { readRecord, writeRecords } from '../../engine/log/record.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import { msgpackDepthMax } from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import { readValue } from '../engine/codec/wild.ts'
import * as draft from '../engine/fixture.ts'
import { Random } from '../sim/random.ts'
import { cases, mutant } from './mutate.ts'

const seed = 20260102

const { state, head, parts, payloads } = (() => {
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
  return { state, head, parts: writeBase(state), payloads }
})()

function mustKeys<T>(keys: T | null): T {
  assert(keys, 'a state has keys')
  return keys
}

const messages = [
  encode({ t: 'want', from: 300 }),
  encode({ t: 'entries', records: payloads.slice(0, 3) }),
  encode({ t: 'blob', parts: [[Buffer.alloc(32, 1), 0, Buffer.alloc(100, 2), 100]] }),
  encode([null, true, -5, 1.5, 2 ** 40, 'text', { deep: [{ a: [[]] }] }]),
].map((made) => Buffer.from(made))
const corpus = [...payloads, ...parts, ...messages, head.bytes]

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.from(a).equals(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  const [left, right] = [Object.entries(a), Object.entries(b)]
  if (Array.isArray(a) !== Array.isArray(b) || left.length !== right.length) return false
  return left.every(([key, value], i) => key === right[i]?.[0] && same(value, right[i]?.[1]))
}

test('T11: mutated frames are refused, or mean the same to everybody', () => {
  const random = new Random(seed)
  let passed = 0
  const total = cases(15_000)
  for (let i = 0; i < total; i++) {
    const frame = mutant(corpus, random)
    const where = () => `seed ${seed}, case ${i}: ${frame.toString('hex')}`
    const fault = scanFault(frame)
    const expected = readValue(frame, msgpackDepthMax)
    if ((fault === null) !== (expected !== null)) expect.fail(`the scan says ${fault}, ${where()}`)
    if (expected === null) continue
    passed++
    const read = decode(frame, v.unknown(), 'It')
    if (!same(read, expected.value) && !frame.includes('__proto__'))
      expect.fail(`decoded otherwise, ${where()}`)
  }
  const heapMiB = Math.round(getHeapStatistics().heap_size_limit / 2 ** 20)
  console.info(`frames: ${total} mutants, ${passed} of them sound, in a heap of ${heapMiB} MiB at most`)
  expect(passed).toBeGreaterThan(total / 50)
})

test('Q3: mutated entries, heads, bases and records never throw, and change nothing', () => {
  const random = new Random(seed + 1)
  const total = cases(15_000) / 5
  const before = draft.mark(state)
  const records = payloads.map((payload) => writeRecords([payload, head.bytes]))
  let entries = 0
  for (let i = 0; i < total; i++) {
    const entry = decodeEntry(mutant(payloads, random))
    if (!isRefusal(entry)) entries++
    const other: Head | { refused: unknown } = readHead(mutant([head.bytes], random))
    const at = random.below(parts.length)
    const changed = parts.map((part, index) => (index === at ? mutant([part], random) : part))
    const base = readBase(changed, 'refused' in other ? head : other)
    // Only parts that say the same thing in the same order give the state that the head signs.
    if (!isRefusal(base)) expect(draft.mark(base)).toBe(before)
    readRecord(mutant(records, random), 0, 0)
  }
  console.info(`doors: ${total} mutants, ${entries} of them entries of a right shape`)
  expect(draft.mark(state)).toBe(before)
})
