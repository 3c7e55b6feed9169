/**
 * T11, Q3: mutated frames at every door that bytes from outside come through (`doors.ts`).
 * A slice runs in the normal suite; `npm run test:fuzz` runs a million and more within a heap of 128 MB.
 */
import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import * as draft from '../engine/fixture.ts'
import { Random } from '../sim/random.ts'
import { attempt } from './corpus.ts'
import { baseDoor, entryDoor, frameDoor, headDoor, messages, recordDoor, sample } from './doors.ts'
import { cases, mutant } from './mutate.ts'

const seed = 20260102
const { head, parts, payloads, records, state } = sample
const sound = [...payloads, ...parts, ...messages, head.bytes]

test('T11: mutated frames are refused, or mean the same to everybody', () => {
  const random = new Random(seed)
  let passed = 0
  const total = cases(15_000)
  for (let i = 0; i < total; i++)
    if (attempt(frameDoor, mutant(sound, random), () => `frames, seed ${seed}, case ${i}`)) passed++
  const heapMiB = Math.round(getHeapStatistics().heap_size_limit / 2 ** 20)
  console.info(
    `frames: seed ${seed}, ${total} mutants, ${passed} of them sound, in a heap of ${heapMiB} MiB at most`,
  )
  expect(passed).toBeGreaterThan(total / 50)
})

test('Q3: mutated entries, heads, bases and records never throw, and change nothing', () => {
  const random = new Random(seed + 1)
  // Four doors a case.
  const total = cases(4_000)
  let entries = 0
  for (let i = 0; i < total; i++) {
    const where = () => `doors, seed ${seed + 1}, case ${i}`
    if (attempt(entryDoor, mutant(payloads, random), where)) entries++
    attempt(headDoor, mutant([head.bytes], random), where)
    const at = random.below(parts.length)
    const [part] = parts.slice(at)
    if (part) attempt((bytes) => baseDoor(bytes, at), mutant([part], random), where)
    attempt(recordDoor, mutant(records, random), where)
  }
  console.info(`doors: seed ${seed + 1}, ${4 * total} mutants, ${entries} of them entries of a right shape`)
  expect(draft.mark(state)).toBe(sample.mark)
})
