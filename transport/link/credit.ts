/**
 * Flow control: how much the other side has not acknowledged yet.
 * Always holds: at most `creditEntries` entries and `creditBytes` bytes are outstanding, except that one message
 * alone may exceed the bytes; no more acknowledgements come than messages went out; who waits longer than `stallTimeoutMs` for progress gives up on the reader (T13).
 */

import { Bell } from '../../engine/env/bell.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { creditBytes, creditEntries, stallTimeoutMs } from '../../schemas/limits.ts'
import { within } from './within.ts'

export type Amount = { readonly entries: number; readonly bytes: number }

export class Credit {
  readonly #clock: Clock
  readonly #moved = new Bell()
  #sent = { entries: 0, bytes: 0 }
  #acked = { entries: 0, bytes: 0 }
  /** Messages that went out and were not answered. */
  #open = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when a message of this size may go out; it then counts as sent. */
  async take(amount: Amount, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (!this.#fits(amount)) await this.#turn(signal)
    this.#open++
    this.#sent = { entries: this.#sent.entries + amount.entries, bytes: this.#sent.bytes + amount.bytes }
  }

  /** What the other side says it has dealt with, in all; false when it claims more than was sent, or takes back. */
  acknowledge(total: Amount): boolean {
    const { entries, bytes } = this.#acked
    const sound =
      this.#open-- > 0 &&
      total.entries >= entries &&
      total.bytes >= bytes &&
      total.entries <= this.#sent.entries &&
      total.bytes <= this.#sent.bytes
    // The same once more is no progress: it does not keep a stalled reader alive.
    if (sound && (total.entries > entries || total.bytes > bytes)) {
      this.#acked = { entries: total.entries, bytes: total.bytes }
      this.#moved.ring()
    }
    return sound
  }

  #fits(amount: Amount): boolean {
    const entries = this.#sent.entries - this.#acked.entries
    const bytes = this.#sent.bytes - this.#acked.bytes
    return entries + amount.entries <= creditEntries && (bytes === 0 || bytes + amount.bytes <= creditBytes)
  }

  #turn(signal: AbortSignal): Promise<void> {
    const why = 'The other side took no data for too long.'
    return within({ clock: this.#clock, timeoutMs: stallTimeoutMs, why }, signal, (soon) =>
      this.#moved.next(soon),
    )
  }
}
