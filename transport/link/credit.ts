/**
 * Flow control: how much the other side has not acknowledged yet.
 * Always holds: at most `creditEntries` entries and `creditBytes` bytes are outstanding, except that one message
 * alone may exceed the bytes; who waits longer than `stallTimeoutMs` gives up on the reader (T13).
 */
import type { Clock } from '../../engine/env/clock.ts'
import { Bell } from '../../engine/env/bell.ts'
import { Fault } from '../../schemas/fault.ts'
import { creditBytes, creditEntries, stallTimeoutMs } from '../../schemas/limits.ts'

export type Amount = { readonly entries: number; readonly bytes: number }

export class Credit {
  readonly #clock: Clock
  readonly #moved = new Bell()
  #sent = { entries: 0, bytes: 0 }
  #acked = { entries: 0, bytes: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when a message of this size may go out; it then counts as sent. */
  async take(amount: Amount, signal: AbortSignal): Promise<void> {
    while (!this.#fits(amount)) await this.#turn(signal)
    this.#sent = { entries: this.#sent.entries + amount.entries, bytes: this.#sent.bytes + amount.bytes }
  }

  /** What the other side says it has dealt with, in all; false when it claims more than was sent, or takes back. */
  acknowledge(total: Amount): boolean {
    const sound =
      total.entries >= this.#acked.entries &&
      total.bytes >= this.#acked.bytes &&
      total.entries <= this.#sent.entries &&
      total.bytes <= this.#sent.bytes
    if (sound) {
      this.#acked = total
      this.#moved.ring()
    }
    return sound
  }

  #fits(amount: Amount): boolean {
    const entries = this.#sent.entries - this.#acked.entries
    const bytes = this.#sent.bytes - this.#acked.bytes
    return entries + amount.entries <= creditEntries && (bytes === 0 || bytes + amount.bytes <= creditBytes)
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const stalled = new AbortController()
    const cancel = this.#clock.after(stallTimeoutMs, () =>
      stalled.abort(new Fault('timed-out', 'The other side took no data for too long.')),
    )
    try {
      await this.#moved.next(AbortSignal.any([signal, stalled.signal]))
    } finally {
      cancel()
    }
  }
}
