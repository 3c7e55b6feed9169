/** S22: link after link: how long a watcher rests between two of them, and what cuts the rest off. */
import { describe, expect, test } from 'vitest'
import { Bell } from '../../../engine/env/bell.ts'
import { Fault } from '../../../schemas/fault.ts'
import { retryQuickMs, retrySoonMs } from '../../../schemas/limits.ts'
import { stay } from '../../../transport/link/stay.ts'
import { SimClock } from '../../sim/clock.ts'

const again = new Fault('interrupted', 'Once more.')
const elsewhere = new Fault('unreachable', 'Other addresses.')
const away = new Fault('timed-out', 'Nobody answers.')

/** Visits that end as the test says, and the times at which they began. */
function stayed(fraction = 0.5) {
  const clock = new SimClock()
  const changes = new Bell()
  const stop = new AbortController()
  const beganMs: number[] = []
  const lost: string[] = []
  let end: (why: unknown) => void = () => {}
  let reached = () => {}
  const done = stay(
    {
      ...{ clock, changes, again, elsewhere },
      fraction: () => fraction,
      visit(isThere) {
        beganMs.push(clock.monotonic())
        reached = isThere
        return new Promise((resolve) => {
          end = resolve
        })
      },
      lost: async (fault) => void lost.push(fault.code),
    },
    stop.signal,
  )
  // Whoever awaits it hears of it, and that may be later.
  done.catch(() => undefined)
  return {
    ...{ clock, changes, beganMs, lost, done },
    reach: () => reached(),
    /** The visit of the moment ends, and so does what follows from that at once. */
    async end(why: unknown) {
      end(why)
      await clock.advance(0)
    },
    async stop() {
      stop.abort('over')
      end(away)
      await expect(done).rejects.toBe('over')
      expect(clock.waiting).toBe(0)
    },
  }
}

describe('S22: after a link', () => {
  test('that was lost, and attempts that failed: a rest, from beginning to beginning, told once', async () => {
    const watch = stayed()
    watch.reach()
    await watch.end(away)
    await watch.clock.advance(retrySoonMs / 2)
    expect(watch.beganMs).toEqual([0, retrySoonMs / 2])
    await watch.clock.advance(100)
    await watch.end(away)
    await watch.clock.advance(retryQuickMs - 101)
    expect(watch.beganMs).toHaveLength(2)
    await watch.clock.advance(1)
    expect(watch.beganMs).toEqual([0, retrySoonMs / 2, retrySoonMs / 2 + retryQuickMs])
    await watch.clock.advance(2 * retryQuickMs)
    await watch.end(away)
    expect(watch.beganMs).toHaveLength(4)
    expect(watch.lost).toEqual(['timed-out'])
    await watch.stop()
  })

  test('that ended because the network may be another one: the next begins at once', async () => {
    const watch = stayed()
    watch.reach()
    await watch.end(elsewhere)
    await watch.end(elsewhere)
    expect(watch.beganMs).toEqual([0, 0, 0])
    expect(watch.lost).toEqual(['unreachable'])
    await watch.end(again)
    expect(watch.beganMs).toEqual([0, 0, 0, 0])
    await watch.stop()
  })

  test('an attempt that was cut short for another network does not put off the one after the next', async () => {
    const watch = stayed()
    await watch.end(away)
    await watch.clock.advance(retrySoonMs)
    const beganMs = watch.beganMs[1] ?? 0
    await watch.end(elsewhere)
    await watch.clock.advance(100)
    await watch.end(away)
    await watch.clock.advance(beganMs + retryQuickMs - watch.clock.monotonic() - 1)
    expect(watch.beganMs).toHaveLength(3)
    await watch.clock.advance(1)
    expect(watch.beganMs.slice(1)).toEqual([beganMs, retrySoonMs, beganMs + retryQuickMs])
    await watch.stop()
  })

  test('a rest ends when something about this machine changes', async () => {
    const watch = stayed()
    await watch.end(away)
    await watch.clock.advance(10)
    watch.changes.ring()
    await watch.clock.advance(0)
    expect(watch.beganMs).toEqual([0, 10])
    await watch.stop()
  })

  test('what a retry cannot mend ends it', async () => {
    const watch = stayed()
    const revoked = new Fault('revoked', 'No more.')
    await watch.end(revoked)
    await expect(watch.done).rejects.toBe(revoked)
    expect(watch.clock.waiting).toBe(0)
  })
})
