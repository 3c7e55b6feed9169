/**
 * Decides when to look at the home: one loop drains hints into scans (S25).
 * Always holds: a hint that arrives while a look is under way causes another one after it, so a change is never
 * missed; looks never overlap; a burst of hints is one look, at most `settleMaxMs` after its first; without any
 * hint there is one every `fullScanEveryMs`, less often where it takes long. A look at what hints named is followed by
 * one at everything, at most `fullAfterMs` later: hints may be wrong about where, and then only late.
 */
import { Fault } from '../../schemas/fault.ts'
import {
  againMaxMs,
  changedMax,
  fullAfterMs,
  fullScanEveryMs,
  fullScanMaxMs,
  fullScanRest,
  settleMaxMs,
  settleMs,
} from '../../schemas/limits.ts'
import type { Clock } from '../env/clock.ts'

export type PublisherInput = {
  readonly clock: Clock
  readonly signal: AbortSignal
  /**
   * Scans, compares and publishes; true asks for another look soon, because something moved meanwhile.
   * @param changed what hints named since the last look; null for all of the home.
   */
  readonly look: (signal: AbortSignal, changed: Changed) => Promise<boolean>
  /** A look failed in a way that another one may survive (the home is away, the disk is full). */
  readonly onFault: (fault: Fault) => void
}

/** Paths as the system names them, with `/`. */
export type Changed = ReadonlySet<string> | null
type Hints = { readonly firstMs: number; lastMs: number; changed: Set<string> | null }
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
  #hints: Hints | null = null
  #waiters: Waiter[] = []
  /** When to look at everything, without a hint. */
  #nextMs: number
  #againMs = settleMs
  /** What the last look at everything took. */
  #tookMs = 0
  /** The last look succeeded: a next one may be at what changed since. */
  #isWhole = false
  #wake: () => void = () => {}

  constructor(input: PublisherInput) {
    this.#input = input
    this.#nextMs = input.clock.monotonic()
  }

  /** Something may have changed: at this path, or nobody knows where. Cheap; may be called at any time. */
  hint(at: string | null): void {
    const nowMs = this.#input.clock.monotonic()
    this.#hints ??= { firstMs: nowMs, lastMs: nowMs, changed: new Set() }
    this.#hints.lastMs = nowMs
    if (at === null || this.#hints.changed?.size === changedMax) this.#hints.changed = null
    else this.#hints.changed?.add(at)
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
    const isDue = waiters.length > 0 || clock.monotonic() >= this.#nextMs
    const changed = isDue || !this.#isWhole ? null : (this.#hints?.changed ?? null)
    this.#waiters = []
    this.#hints = null
    try {
      const beganMs = clock.monotonic()
      const again = await look(signal, changed)
      const endedMs = clock.monotonic()
      this.#isWhole = true
      this.#againMs = again ? Math.min(this.#againMs * 2, againMaxMs) : settleMs
      const restMs = changed ? fullAfterMs : this.#restAfter(endedMs - beganMs)
      const nextMs = endedMs + (again ? this.#againMs : restMs)
      this.#nextMs = changed ? Math.min(this.#nextMs, nextMs) : nextMs
      for (const waiter of waiters) waiter.resolve()
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error)
      if (signal.aborted) return
      if (!(error instanceof Fault) || !passing.has(error.code)) throw error
      onFault(error)
      this.#againMs = Math.min(this.#againMs * 2, againMaxMs)
      // With it went the hints that it had taken: the next one is at everything.
      this.#isWhole = false
      this.#nextMs = clock.monotonic() + this.#againMs
    }
  }

  /** How long until the next look at everything, by what the last two took: one that had much to read says little. */
  #restAfter(tookMs: number): number {
    const costMs = Math.min(tookMs, this.#tookMs)
    this.#tookMs = tookMs
    return Math.min(Math.max(fullScanEveryMs, fullScanRest * costMs), fullScanMaxMs)
  }

  #refuseWaiters(reason: unknown): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(reason)
  }
}
