/**
 * Cheap repeatable randomness for the simulated world (mulberry32).
 * Always holds: the same seed gives the same sequence on every machine and Node version.
 */
export class Random {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed
    // Neighbouring seeds must not give neighbouring sequences.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  }

  /** A float in [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.fraction() * below)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  bytes(length: number): Buffer {
    const out = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; at++) out[at] = this.below(256)
    return out
  }

  /** An independent sequence, so that one part's draws do not shift another's. */
  fork(): Random {
    return new Random(this.below(2 ** 32))
  }

  /** The same sequence from here on, for a copy of the world. */
  clone(): Random {
    const copy = new Random(this.seed)
    copy.#state = this.#state
    return copy
  }
}
