/**
 * The simulated Ids: the same seed gives the same bytes and names.
 */
import type { Ids } from '../../engine/env/ids.ts'
import { Random } from './random.ts'

const letters = '0123456789abcdefghijklmnopqrstuvwxyz'

export class SimIds implements Ids {
  readonly #random: Random

  constructor(seed = 1) {
    this.#random = new Random(seed)
  }

  bytes(length: number): Buffer {
    return this.#random.bytes(length)
  }

  name(): string {
    return Array.from({ length: 20 }, () => letters[this.#random.below(letters.length)]).join('')
  }

  fraction(): number {
    return this.#random.fraction()
  }
}
