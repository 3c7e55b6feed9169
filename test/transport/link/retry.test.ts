/** S22: when a watcher asks again, by what it met. */
import { describe, expect, test } from 'vitest'
import { type Code, codes } from '../../../schemas/code.ts'
import { briefLinksMax } from '../../../schemas/limits.ts'
import { retryAfterMs } from '../../../transport/link/retry.ts'

const minuteMs = 60_000
const at = (code: Code, failures: number, forMs: number, brief = 0) =>
  [0, 0.5, 1].map((fraction) => retryAfterMs({ code, failures, forMs, brief }, fraction))

describe('S22: a watcher asks again', () => {
  test.each([
    ['unreachable', 1, 0, [0, 250, 500]],
    ['timed-out', 1, 0, [0, 250, 500]],
    ['unreachable', 2, 100, [525, 700, 875]],
    ['timed-out', 500, 9 * minuteMs, [525, 700, 875]],
    ['unreachable', 900, 10 * minuteMs, [3750, 5000, 6250]],
    ['waiting', 2, 0, [525, 700, 875]],
    ['pin-mismatch', 1, 0, [45_000, 60_000, 75_000]],
    ['upgrade-needed', 3, 0, [45_000, 60_000, 75_000]],
    ['disk-full', 1, 0, [45_000, 60_000, 75_000]],
    ['protocol', 1, 0, [45_000, 60_000, 75_000]],
    ['revoked', 1, 0, [null, null, null]],
    ['log-damaged', 1, 0, [null, null, null]],
  ] as const)('after %s, for the time %i, in a row for %i ms', (code, failures, forMs, expected) => {
    expect(at(code, failures, forMs)).toEqual(expected)
  })

  test.each([
    ['unreachable', 1, 2, [0, 250, 500]],
    ['unreachable', 1, 3, [525, 700, 875]],
    ['unreachable', 1, briefLinksMax - 1, [525, 700, 875]],
    ['unreachable', 1, briefLinksMax, [3750, 5000, 6250]],
    ['timed-out', 2, 1000, [3750, 5000, 6250]],
    ['protocol', 1, 1000, [45_000, 60_000, 75_000]],
    ['revoked', 1, 1000, [null, null, null]],
  ] as const)(
    'after %s, for the time %i, behind %i links that broke at once',
    (code, failures, brief, expected) => {
      expect(at(code, failures, 0, brief)).toEqual(expected)
    },
  )

  test('never at once, again and again, whatever it meets', () => {
    for (const code of Object.keys(codes) as Code[])
      for (const delayMs of at(code, 2, 0)) expect(delayMs ?? minuteMs, code).toBeGreaterThan(500)
  })
})
