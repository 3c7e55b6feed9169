/**
 * The simulated Clock: time stands still until a test advances it.
 * Always holds: what is due fires in the order of its time, then of its making; between two of them everything
 * that was waiting on the first has run.
 */
import type { Clock } from '../../engine/env/clock.ts'
import { assert } from '../../schemas/fault.ts'

type Timer = { readonly dueMs: number; readonly order: number; readonly fire: () => void }

export class SimClock implements Clock {
  #nowMs: number
  #monotonicMs = 0
  #made = 0
  readonly #timers = new Set<Timer>()

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
  }

  /** Whole milliseconds, as those of a system. */
  now(): number {
    return Math.floor(this.#nowMs)
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  /** How many waits and calls are outstanding. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Sets the wall clock, as a person or NTP does; nothing fires. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs
  }

  wait(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const cancel = this.after(delayMs, () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      })
      const stop = () => {
        cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: ++this.#made, fire: call }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Lets `byMs` pass. On return everything due has fired and all that followed from it has settled. */
  async advance(byMs: number): Promise<void> {
    assert(byMs >= 0, 'time does not go back')
    const end = this.#monotonicMs + byMs
    await settled()
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#pass(next.dueMs)
      this.#timers.delete(next)
      next.fire()
      await settled()
    }
    this.#pass(end)
  }

  #next(end: number): Timer | null {
    let first: Timer | null = null
    for (const timer of this.#timers) {
      if (timer.dueMs > end) continue
      if (!first || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order))
        first = timer
    }
    return first
  }

  #pass(untilMs: number): void {
    const byMs = Math.max(0, untilMs - this.#monotonicMs)
    this.#monotonicMs += byMs
    this.#nowMs += byMs
  }
}

/** All microtasks have run: a turn of the loop comes only after the last of them. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
