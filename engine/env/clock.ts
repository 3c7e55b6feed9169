/**
 * The Clock port: wall time for people and signatures, monotonic time for waiting.
 * Always holds: order and trust never rest on the clock (T24); it decides freshness and time-outs only.
 */
export interface Clock {
  /** Milliseconds since 1970, as the system believes. May jump. */
  now(): number
  /** Milliseconds from an arbitrary start. Never goes back. */
  monotonic(): number
  /** Resolves after `delayMs`, or rejects with the signal's reason. */
  wait(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Calls back once after `delayMs`; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, call: () => void): () => void
}
