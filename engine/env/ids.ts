/**
 * The Ids port: everything random. A seeded side makes every run repeatable.
 */
export interface Ids {
  /** `length` unpredictable bytes. */
  bytes(length: number): Buffer
  /** A short name that is unlikely to repeat, safe in a file name. */
  name(): string
  /** A float in [0, 1), for jitter. */
  fraction(): number
}
