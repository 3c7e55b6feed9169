/**
 * Q3: every case that is kept, at every door: those that read bytes alone, the log, the socket, and the talk between
 * two living ends where it is a message.
 */
import { describe, expect, test } from 'vitest'
import { segmentHeaderBytes } from '../../engine/log/segment.ts'
import { assert } from '../../schemas/fault.ts'
import { type Direction, meddled, play, type Scene, sceneOf } from '../transport/link/meddle.ts'
import { halfDone, makePair, sync } from '../transport/link/pair.ts'
import { attempt, corpus } from './corpus.ts'
import { baseDoor, entryDoor, frameDoor, headDoor, messageDoor, recordDoor } from './doors.ts'
import { makeSegments, segmentDoor } from './segment.ts'
import { socketDoor } from './socket.ts'

const doors = { frameDoor, messageDoor, entryDoor, headDoor, baseDoor, recordDoor }

test('Q3: the corpus is one of hex, each case small and there once', () => {
  expect(corpus.length).toBeGreaterThan(50)
  for (const { name, bytes } of corpus) expect(bytes.length, name).toBeLessThan(16 * 1024)
  expect(new Set(corpus.map(({ bytes }) => bytes.toString('hex'))).size).toBe(corpus.length)
})

test.each(Object.entries(doors))('Q3: every case at the %s', (_name, door) => {
  for (const { name, bytes } of corpus) attempt(door, bytes, () => name)
})

test('Q3: every case behind a sound segment, and instead of what it begins with', async () => {
  const segment = (await makeSegments()).at(-1)
  assert(segment, 'one begins with a base')
  const { bytes: own } = segment
  for (const { name, bytes } of corpus) {
    for (const made of [
      Buffer.concat([own, bytes]),
      Buffer.concat([own.subarray(0, segmentHeaderBytes), bytes]),
    ])
      await segmentDoor(made, segment).catch((error: unknown) => {
        throw new Error(name, { cause: error })
      })
  }
})

test('T12: every case at the socket, whole and in two pieces', async () => {
  for (const { name, bytes } of corpus)
    for (const cut of new Set([bytes.length, bytes.length >> 1]))
      await socketDoor(bytes, cut).catch((error: unknown) => {
        throw new Error(name, { cause: error })
      })
})

describe('Q3: every case that is a message, said instead of another', () => {
  const said = corpus.filter(({ bytes }) => messageDoor(bytes))
  const scene = (async (): Promise<Scene> => {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    await pair.there.publish({ 'AGENTS.md': 'two\n' })
    return sceneOf(pair)
  })()

  test.each(said)('$name', async ({ bytes }) => {
    const directions: readonly Direction[] = ['up', 'down']
    for (const direction of directions) {
      for (let at = 0; at < 2; at++) {
        const pair = await play(await scene)
        await meddled(pair, (along, index, own) => [along === direction && index === at ? bytes : own])
        const { there, here } = pair
        assert(there.master.forked === null, 'nobody believes in a fork')
        expect([...halfDone(there.disk), ...halfDone(here.disk)]).toEqual([])
        const own = here.follower.head
        expect(own?.seq === there.master.head.seq ? own.entry : there.master.head.entry).toEqual(
          there.master.head.entry,
        )
      }
    }
  })
})
