/**
 * Q1, Q3: damaged segments, by accident (bytes changed anywhere) and on purpose (records changed and summed up anew).
 * Whatever lies on the disk, opening it throws nothing but a fault with a code, and what opens is a beginning of what
 * was signed.
 * A slice runs in the normal suite; `npm run test:fuzz` runs them by the hundred thousand within a heap of 128 MB.
 */
import { expect, test } from 'vitest'
import { Random } from '../sim/random.ts'
import { failure } from './corpus.ts'
import { cases } from './mutate.ts'
import { damaged, makeSegments, segmentDoor } from './segment.ts'

const seed = 20261120

test('Q3: a damaged segment opens as a beginning of what was signed, or is refused', async () => {
  const random = new Random(seed)
  const segments = await makeSegments()
  for (const segment of segments) expect(await segmentDoor(segment.bytes, segment)).toBe(true)
  // A log is opened in a millisecond.
  const total = cases(10_000) / 10
  let opened = 0
  for (let i = 0; i < total; i++) {
    const [segment] = segments.slice(random.below(segments.length))
    if (!segment) break
    const bytes = damaged(segment.bytes, random)
    try {
      if (await segmentDoor(bytes, segment)) opened++
    } catch (error) {
      throw failure(error, `segments, seed ${seed}, case ${i}`, bytes)
    }
  }
  console.info(`segments: seed ${seed}, ${total} damaged, ${opened} of them opened`)
  expect(opened).toBeGreaterThan(total / 100)
  expect(opened).toBeLessThan(total)
})
