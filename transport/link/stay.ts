/**
 * Link after link, for as long as somebody wants one: what `follower watch` does between its links.
 * Always holds: one attempt at a time; after a loss the next one comes when `retry.ts` says, or at once when something
 * about this machine changed; what a retry cannot mend is thrown.
 */
import type { Bell } from '../../engine/env/bell.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { Fault } from '../../schemas/fault.ts'
import { goodLinkMs } from '../../schemas/limits.ts'
import { type Loss, retryAfterMs } from './retry.ts'

export type StayContext = {
  readonly clock: Clock
  /** Random, from 0 to 1. */
  readonly fraction: () => number
  /** One link, from its beginning to its end: resolves with the reason. Calls `reached` once the master is. */
  readonly visit: (reached: () => void) => Promise<unknown>
  /** The reason of a link that was ended only to begin another one. */
  readonly again: unknown
  /** The reason of one that ended because the network may be another one: no master has to be spared by a rest. */
  readonly elsewhere: unknown
  /** The master is lost, or for another reason than before. */
  readonly lost: (fault: Fault) => Promise<void>
  /** Rings when the network may be another one. */
  readonly changes: Bell
}

/** Ends with the reason of `signal`, or with what a retry cannot mend. */
export async function stay(context: StayContext, signal: AbortSignal): Promise<never> {
  const { clock, fraction, visit, again, elsewhere, lost, changes } = context
  let loss: (Loss & { readonly sinceMs: number }) | null = null
  let brief = 0
  /** When an attempt began that was cut short for another network: the next one goes on with it. */
  let cutMs: number | null = null
  for (;;) {
    const beganMs: number = cutMs ?? clock.monotonic()
    const link: { stoodMs: number | null } = { stoodMs: null }
    const error = await visit(() => {
      link.stoodMs ??= clock.monotonic()
    })
    signal.throwIfAborted()
    const nowMs = clock.monotonic()
    cutMs = error === elsewhere ? beganMs : null
    if (link.stoodMs !== null) loss = null
    if (error === again) continue
    if (!(error instanceof Fault)) throw error
    if (link.stoodMs !== null && error !== elsewhere)
      brief = nowMs - link.stoodMs < goodLinkMs ? brief + 1 : 0
    const before: typeof loss = loss
    const sinceMs: number = before?.sinceMs ?? nowMs
    const failures: number = (before?.failures ?? 0) + 1
    loss = { code: error.code, failures, forMs: nowMs - sinceMs, brief, sinceMs }
    const delayMs = error === elsewhere ? 0 : retryAfterMs(loss, fraction())
    if (delayMs === null) throw error
    if (before?.code !== error.code) await lost(error)
    // From the beginning of an attempt to that of the next: one in a black hole takes as long as it may.
    const spentMs = loss.failures === 1 ? 0 : nowMs - beganMs
    const rest = new AbortController()
    const until = AbortSignal.any([signal, rest.signal])
    try {
      await Promise.race([clock.wait(Math.max(0, delayMs - spentMs), until), changes.next(until)])
    } finally {
      rest.abort()
    }
  }
}
