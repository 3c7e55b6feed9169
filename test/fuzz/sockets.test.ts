/**
 * T12, Q3: damaged WebSocket streams at the end of a wire that a follower's frames come in. What is given out is what
 * an independent reader of RFC 6455 and of our limits finds in front of the first frame beyond the rules; the wire ends
 * with `protocol` there, and nothing throws.
 * A slice runs in the normal suite; `npm run test:fuzz` runs them by the hundred thousand within a heap of 128 MB.
 */
import { expect, test } from 'vitest'
import { Random } from '../sim/random.ts'
import { binary, close, continuation, frame, ping, pong } from '../transport/link/siege.ts'
import { failure } from './corpus.ts'
import { cases, mutant } from './mutate.ts'
import { socketDoor } from './socket.ts'

const seed = 20261121

const some = (length: number) => Buffer.from(Array.from({ length }, (_, n) => n & 255))
const streams = [
  Buffer.concat([frame(binary, some(3)), frame(binary, Buffer.alloc(0)), frame(binary, some(200))]),
  Buffer.concat([frame(ping, some(5)), frame(binary, some(40)), frame(pong, Buffer.alloc(0))]),
  Buffer.concat([
    frame(binary, some(10), { fin: false }),
    frame(ping, Buffer.alloc(0)),
    frame(continuation, some(5), { fin: false }),
    frame(continuation, some(1)),
    frame(binary, some(2)),
  ]),
  Buffer.concat([
    frame(binary, some(7)),
    frame(close, Buffer.from([0x0f, 0xa0, ...Buffer.from('gone done')])),
  ]),
]

test('T12: a damaged stream gives what was whole before the damage, and ends there', async () => {
  const random = new Random(seed)
  // Each has a wire of its own.
  const total = cases(4000) / 4
  const ends = new Map<string, number>()
  for (const stream of streams) await socketDoor(stream)
  for (let i = 0; i < total; i++) {
    const bytes = mutant(streams, random)
    try {
      const end = await socketDoor(bytes, random.chance(0.5) ? random.below(bytes.length + 1) : bytes.length)
      ends.set(end, (ends.get(end) ?? 0) + 1)
    } catch (error) {
      throw failure(error, `sockets, seed ${seed}, case ${i}`, bytes)
    }
  }
  console.info(`sockets: seed ${seed}, ${total} streams, ${JSON.stringify(Object.fromEntries(ends))}`)
  for (const end of ['open', 'protocol', 'gone']) expect(ends.get(end) ?? 0).toBeGreaterThan(total / 100)
})
