/**
 * Decides when to look at the home: one loop drains hints into scans (S25).
 * Always holds: a hint that arrives while a look is under way causes another one after it, so a change is never
 * missed; looks never overlap; a burst of hints is one look, at most `settleMaxMs` after its first; without any
 * hint there is one every `fullScanEveryMs`.
 */
import { Fault } from '../../schemas/fault.ts'
import { againMaxMs, fullScanEveryMs, settleMaxMs, settleMs } from '../../schemas/limits.ts'
import type { Clock } from '../env/clock.ts'

export type PublisherInput = {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Scans, compares and publishes; true asks for another look soon, because something moved meanwhile. */
  readonly look: (signal: AbortSignal) => Promise<boolean>
  /** A look failed in a way that another one may survive (the home is away, the disk is full). */
  readonly onFault: (fault: Fault) => void
}

type Waiter = { readonly resolve: () => void; readonly reject: (reason: unknown) => void }

/**
 * Faults of the world around the home, and a log whose lost end a follower is about to give back: they pass, so the
 * loop goes on. All others end it.
 */
const passing: ReadonlySet<string> = new Set([
  'rollback',
  'home-missing',
  'files-gone',
  'disk-full',
  'disk-denied',
  'disk-busy',
  'disk-io',
  'disk-missing',
])

export class Publisher {
  readonly #input: PublisherInput
  /** Since when there have been hints, and when the last one came; null when there is none. */
  #hints: { readonly firstMs: number; lastMs: number } | null = null
  #waiters: Waiter[] = []
  /** When to look without a hint. */
  #nextMs: number
  #againMs = settleMs
  #wake: () => void = () => {}

  constructor(input: PublisherInput) {
    this.#input = input
    this.#nextMs = input.clock.monotonic()
  }

  /** Something may have changed. Cheap; may be called at any time. */
  hint(): void {
    const nowMs = this.#input.clock.monotonic()
    if (this.#hints) this.#hints.lastMs = nowMs
    else this.#hints = { firstMs: nowMs, lastMs: nowMs }
    this.#wake()
  }

  /** Looks at once; resolves when a look that began after this call has been published. */
  rescan(): Promise<void> {
    const { signal } = this.#input
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#wake()
    })
  }

  /** The loop. Begins with a look; resolves once the signal says so, rejects when it cannot go on. */
  async run(): Promise<void> {
    const { signal } = this.#input
    const stop = () => this.#wake()
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const waitMs = this.#waitMs()
        if (waitMs > 0) await this.#sleep(waitMs)
        else await this.#lookOnce()
      }
      this.#refuseWaiters(signal.reason)
    } catch (error) {
      this.#refuseWaiters(error)
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  #waitMs(): number {
    if (this.#waiters.length > 0) return 0
    const hints = this.#hints
    const settledMs = hints ? Math.min(hints.lastMs + settleMs, hints.firstMs + settleMaxMs) : Infinity
    return Math.min(settledMs, this.#nextMs) - this.#input.clock.monotonic()
  }

  /** Until `waitMs` are over, or a hint, a rescan or the end wakes the loop to reckon anew. */
  #sleep(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#input.clock.after(waitMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  async #lookOnce(): Promise<void> {
    const { clock, signal, look, onFault } = this.#input
    // Taken before the look begins: whatever comes from here on asks for the next one.
    const waiters = this.#waiters
    this.#waiters = []
    this.#hints = null
    try {
      const again = await look(signal)
      this.#againMs = again ? Math.min(this.#againMs * 2, againMaxMs) : settleMs
      this.#nextMs = clock.monotonic() + (again ? this.#againMs : fullScanEveryMs)
      for (const waiter of waiters) waiter.resolve()
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error)
      if (signal.aborted) return
      if (!(error instanceof Fault) || !passing.has(error.code)) throw error
      onFault(error)
      this.#againMs = Math.min(this.#againMs * 2, againMaxMs)
      this.#nextMs = clock.monotonic() + this.#againMs
    }
  }

  #refuseWaiters(reason: unknown): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(reason)
  }
}
