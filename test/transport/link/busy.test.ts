/** S22: a master that goes on publishing while a follower fetches what it published before. */
import { expect, test } from 'vitest'
import { codes, exitCodes } from '../../../schemas/code.ts'
import { Fault } from '../../../schemas/fault.ts'
import { laterMax } from '../../../schemas/limits.ts'
import { retryAfterMs } from '../../../transport/link/retry.ts'
import { lineOf, makePair, type Pair } from './pair.ts'

/** What the master does when it is asked for a content for the first time. */
function whenAsked({ there }: Pair, act: () => Promise<void>): void {
  const { blobs } = there.master
  const sizeOf = blobs.sizeOf.bind(blobs)
  let isFirst = true
  blobs.sizeOf = async (hash) => {
    if (isFirst) {
      isFirst = false
      await act()
    }
    return sizeOf(hash)
  }
}

test('what is superseded and swept while it is fetched ends the link, and the next one brings what is new', async () => {
  const pair = await makePair()
  const { there, here } = pair
  await there.publish({ 'AGENTS.md': 'one', 'rules/a': 'a' })
  whenAsked(pair, async () => {
    await there.publish({ 'AGENTS.md': 'two', 'rules/a': 'b' })
    await there.master.sweep()
  })
  const line = lineOf(pair)
  const stop = new AbortController()
  const hosted = there.host(line.right, stop.signal)
  const end = await here.follow(line.left, there.master.fingerprint, async () => undefined, stop.signal)
  expect(end.code).toBe('incomplete')
  expect(retryAfterMs({ code: 'incomplete', failures: 1, forMs: 0, brief: 0 }, 0.5)).not.toBeNull()
  expect(codes.incomplete.exit).toBe(exitCodes.unreachable)
  await hosted
  const next = lineOf(pair)
  const again = there.host(next.right, stop.signal)
  expect((await here.pull(next.left, there.master.fingerprint)).code).toBe('done')
  await again
  expect((await here.files())['AGENTS.md']).toBe('two')
})

test('more edits in a row than a follower keeps do not end the link of one that fetches', async () => {
  const pair = await makePair()
  const { there, here } = pair
  await there.publish({ 'AGENTS.md': 'one', 'rules/large': 'large' })
  whenAsked(pair, async () => {
    for (let n = 0; n <= laterMax / 2; n++) {
      await there.publish({ 'rules/now': `${n}` })
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  const line = lineOf(pair)
  const stop = new AbortController()
  const hosted = there.host(line.right, stop.signal)
  const end = await here.follow(
    line.left,
    there.master.fingerprint,
    async () => {
      if (here.seq === there.master.head.seq) stop.abort(new Fault('interrupted', 'It is level.'))
    },
    stop.signal,
  )
  await hosted.catch(() => undefined)
  expect(end.code).toBe('interrupted')
  expect(here.seq).toBe(there.master.head.seq)
})
