/**
 * What strangers and followers cause to be said: one line a fact, as long as they are few.
 * Always holds: whatever comes in, at most `heraldLinesMax` lines a minute and address are said, for at most
 * `heraldAddressesMax` addresses; the rest is counted, and the count is said when the minute is over.
 */
import type { Clock } from '../../engine/env/clock.ts'
import { heraldAddressesMax, heraldLinesMax } from '../../schemas/limits-cli.ts'
import { counted } from '../ui/amount.ts'
import type { Piece } from '../ui/paint.ts'
import type { Facts } from '../ui/voice.ts'

type Count = { said: number; withheld: number }

const minuteMs = 60_000

export class Herald {
  readonly #clock: Clock
  readonly #say: (facts: Facts, words: Piece) => void
  readonly #addresses = new Map<string, Count>()
  readonly #others: Count = { said: 0, withheld: 0 }
  #cancel: (() => void) | null = null

  constructor(clock: Clock, say: (facts: Facts, words: Piece) => void) {
    this.#clock = clock
    this.#say = say
  }

  /** A fact that `address` caused. */
  tell(address: string, facts: Facts, words: Piece): void {
    this.#cancel ??= this.#clock.after(minuteMs, () => this.close())
    const count = this.#countOf(address)
    if (count === this.#others || count.said >= heraldLinesMax) count.withheld++
    else {
      count.said++
      this.#say({ ...facts, address }, words)
    }
  }

  /** Says what was counted, and begins anew. */
  close(): void {
    this.#cancel?.()
    this.#cancel = null
    for (const [address, { withheld }] of this.#addresses)
      if (withheld > 0)
        this.#say(
          { event: 'withheld', address, lines: withheld },
          `${address}: ${counted(withheld, 'more line')} like these in the last minute.`,
        )
    const { withheld } = this.#others
    if (withheld > 0)
      this.#say(
        { event: 'withheld', address: null, lines: withheld },
        `Other addresses: ${counted(withheld, 'line')} in the last minute.`,
      )
    this.#addresses.clear()
    this.#others.withheld = 0
  }

  #countOf(address: string): Count {
    const known = this.#addresses.get(address)
    if (known) return known
    if (this.#addresses.size >= heraldAddressesMax) return this.#others
    const count = { said: 0, withheld: 0 }
    this.#addresses.set(address, count)
    return count
  }
}
