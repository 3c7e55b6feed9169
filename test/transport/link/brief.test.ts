/** S22: link after link of a watcher, in simulated time: when each begins, and what is told. */
import { expect, test } from 'vitest'
import { Bell } from '../../../engine/env/bell.ts'
import type { Code } from '../../../schemas/code.ts'
import { Fault } from '../../../schemas/fault.ts'
import {
  briefLinksMax,
  goodLinkMs,
  retryPatientMs,
  retryQuickMs,
  retrySoonMs,
} from '../../../schemas/limits.ts'
import { stay } from '../../../transport/link/stay.ts'
import { SimClock } from '../../sim/clock.ts'

const again = new Error('once more')
const elsewhere = new Error('elsewhere')
const stopped = new Error('stopped')

/** How an attempt goes: it stands for so long (null: it never does), and ends with a fault or to begin another. */
type Attempt = { readonly stoodMs: number | null; readonly end?: Code | 'again' }
const brief: Attempt = { stoodMs: 50 }
const away: Attempt = { stoodMs: null }

/** Plays attempts one after the other, the last without end, for `forMs`. */
async function play(attempts: readonly Attempt[], forMs: number) {
  const clock = new SimClock()
  const stop = new AbortController()
  const changes = new Bell()
  const began: number[] = []
  const lost: Code[] = []
  const visit = async (reached: () => void): Promise<unknown> => {
    const attempt = attempts[Math.min(began.length, attempts.length - 1)] ?? away
    began.push(clock.monotonic())
    const { stoodMs, end = 'unreachable' } = attempt
    if (stoodMs !== null) {
      reached()
      await clock.wait(stoodMs, stop.signal)
    }
    return end === 'again' ? again : new Fault(end, 'It is over.')
  }
  const context = {
    ...{ clock, visit, again, elsewhere, changes },
    fraction: () => 0.5,
    lost: async ({ code }: Fault) => void lost.push(code),
  }
  const ended = stay(context, stop.signal).catch((error: unknown) => error)
  await clock.advance(forMs)
  stop.abort(stopped)
  expect(await ended).toBe(stopped)
  const pauses = began.slice(1).map((at, index) => at - (began[index] ?? 0) - (attempts[index]?.stoodMs ?? 0))
  return { clock, began, pauses, lost, changes }
}
const repeated = (attempt: Attempt, times: number) => Array.from({ length: times }, () => attempt)
const soonMs = retrySoonMs / 2

test('S22: a link that breaks whenever it stands is begun as rarely as one to a master that is away', async () => {
  const { pauses, lost } = await play(repeated(brief, 100), 60_000)
  expect(pauses.slice(0, 2)).toEqual([soonMs, soonMs])
  expect(new Set(pauses.slice(2, briefLinksMax - 1))).toEqual(new Set([retryQuickMs]))
  expect(new Set(pauses.slice(briefLinksMax - 1))).toEqual(new Set([retryPatientMs]))
  expect(pauses.length).toBeLessThan(briefLinksMax + 60_000 / retryPatientMs)
  // Each was a link, so each loss of it is told.
  expect(lost).toHaveLength(pauses.length + 1)
})

test('S22: a link that stood is a good one: the next is tried soon, however many broke before', async () => {
  const { pauses } = await play([...repeated(brief, 20), { stoodMs: goodLinkMs }, brief], 120_000)
  expect(pauses.slice(19, 22)).toEqual([retryPatientMs, soonMs, soonMs])
})

test('S22: a master that starts again twice, and right after it was away for an hour, is tried soon', async () => {
  // Ten minutes quickly, and more than an hour patiently.
  const absences = 1_600
  const absence = repeated(away, absences)
  const links = [{ stoodMs: 60_000 }, ...absence, { stoodMs: 2_000 }, { stoodMs: 1_000 }, { stoodMs: 60_000 }]
  const { pauses, lost } = await play(links, 2 * 3_600_000)
  expect(pauses[0]).toBe(soonMs)
  expect(pauses[absences]).toBe(retryPatientMs)
  expect(pauses.slice(absences + 1, absences + 3)).toEqual([soonMs, soonMs])
  expect(lost.slice(0, 3)).toEqual(['unreachable', 'unreachable', 'unreachable'])
})

test('S22: a link that was ended to begin another is no loss, brief as it may be', async () => {
  const links = [...repeated({ stoodMs: 10, end: 'again' as const }, 20), brief, { stoodMs: 60_000 }]
  const { pauses, lost } = await play(links, 30_000)
  expect(new Set(pauses.slice(0, 20))).toEqual(new Set([0]))
  expect([pauses[20], lost]).toEqual([soonMs, ['unreachable']])
})

test('S22: what is lost for the same reason is told once, for another again', async () => {
  const links = [...repeated(away, 3), { ...away, end: 'timed-out' as const }, { stoodMs: 60_000 }]
  expect((await play(links, 10_000)).lost).toEqual(['unreachable', 'timed-out'])
})
