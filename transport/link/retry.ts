/**
 * When a watcher asks a master again that it lost or did not reach. Pure.
 * Always holds: a network that is back is found within a second as long as it was not away for long; a hundred
 * followers of a master that starts again do not come at one moment; what only a person or time can mend, and a link
 * that breaks whenever it stands, is not tried every second, and what nothing mends never.
 */
import { type Code, codes, exitCodes } from '../../schemas/code.ts'
import {
  briefLinksMax,
  retryPatientMs,
  retryQuicklyForMs,
  retryQuickMs,
  retryRefusedMs,
  retrySoonMs,
} from '../../schemas/limits.ts'

export type Loss = {
  readonly code: Code
  /** Attempts that failed since the last one that did not, this one included, and for how long. */
  readonly failures: number
  readonly forMs: number
  /** Links in a row that broke as soon as they stood, the last one included. */
  readonly brief: number
}

/** @param fraction random, from 0 to 1. @returns how long to wait, or null: never again. */
export function retryAfterMs({ code, failures, forMs, brief }: Loss, fraction: number): number | null {
  const { exit } = codes[code]
  // A log that gave up is opened anew by the next process only.
  if (code === 'revoked' || code === 'log-poisoned' || exit === exitCodes.damaged) return null
  if (exit !== exitCodes.unreachable) return spread(retryRefusedMs, fraction)
  // Two starts of a master in a row are nothing unusual.
  if (failures === 1 && brief <= 2) return retrySoonMs * fraction
  const isNew = forMs < retryQuicklyForMs && brief < briefLinksMax
  return spread(isNew ? retryQuickMs : retryPatientMs, fraction)
}

/** A quarter less, to a quarter more. */
const spread = (ms: number, fraction: number): number => ms * (0.75 + fraction / 2)
