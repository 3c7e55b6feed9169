/**
 * What every Clock and every Ids must do, real or simulated.
 */
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../engine/env/clock.ts'
import type { Ids } from '../../../engine/env/ids.ts'

/** @param advance lets time pass: on a real clock it waits. */
export function clockSuite(name: string, clock: Clock, advance: (ms: number) => Promise<void>): void {
  describe(name, () => {
    test('monotonic time never goes back and moves with waits', async () => {
      const start = clock.monotonic()
      const wait = clock.wait(20)
      await advance(20)
      await wait
      expect(clock.monotonic() - start).toBeGreaterThanOrEqual(20)
      expect(Number.isFinite(clock.now())).toBe(true)
    })

    test('waits end in the order of their time, not before it', async () => {
      const ended: number[] = []
      const start = clock.monotonic()
      const waits = [30, 10, 20, 0].map((delayMs) =>
        clock.wait(delayMs).then(() => {
          ended.push(delayMs)
          expect(clock.monotonic() - start).toBeGreaterThanOrEqual(delayMs)
        }),
      )
      await advance(30)
      await Promise.all(waits)
      expect(ended).toEqual([0, 10, 20, 30])
    })

    test('a signal ends a wait with its reason, before or during it', async () => {
      const reason = new Error('enough')
      await expect(clock.wait(5, AbortSignal.abort(reason))).rejects.toBe(reason)
      const control = new AbortController()
      const wait = clock.wait(60_000, control.signal)
      const ended = expect(wait).rejects.toBe(reason)
      control.abort(reason)
      await ended
    })

    test('after calls back once, and not when cancelled', async () => {
      let calls = 0
      let cancelled = 0
      clock.after(5, () => calls++)
      const cancel = clock.after(5, () => cancelled++)
      cancel()
      cancel()
      await advance(30)
      expect([calls, cancelled]).toEqual([1, 0])
    })

    test('a delay beyond what timers hold does not fire at once', async () => {
      let calls = 0
      const cancel = clock.after(2 ** 40, () => calls++)
      await advance(5)
      cancel()
      expect(calls).toBe(0)
    })
  })
}

export function idsSuite(name: string, ids: Ids): void {
  describe(name, () => {
    test('bytes have the length asked for and do not repeat', () => {
      expect(ids.bytes(0).length).toBe(0)
      const seen = new Set(Array.from({ length: 1000 }, () => ids.bytes(16).toString('hex')))
      expect(seen.size).toBe(1000)
    })

    test('names do not repeat, are safe in a file name and lose nothing by folding', () => {
      const names = Array.from({ length: 1000 }, () => ids.name())
      expect(new Set(names).size).toBe(1000)
      for (const name of names) expect(name).toMatch(/^[0-9a-z]{16,24}$/)
    })

    test('fractions fill [0, 1)', () => {
      const drawn = Array.from({ length: 2000 }, () => ids.fraction()).sort((a, b) => a - b)
      expect(drawn[0]).toBeGreaterThanOrEqual(0)
      expect(drawn.at(-1)).toBeLessThan(1)
      expect(drawn[100]).toBeLessThan(0.15)
      expect(drawn[1900]).toBeGreaterThan(0.85)
    })
  })
}
