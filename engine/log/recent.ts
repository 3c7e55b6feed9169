/**
 * The newest records of a log that is written here, kept in memory: followers that are level ask for nothing else, and
 * a hundred of them would read the newest segment a hundred times for every edit.
 * Always holds: what it gives is what the log holds from there on, without a gap; its memory is bounded.
 */
import { recentBytesMax, recentRecordsMax } from '../../schemas/limits.ts'

/** A head has the number of the entry before it. */
type Kept = { readonly seq: number; readonly isHead: boolean; readonly payload: Buffer }

export class Recent {
  #kept: Kept[] = []
  #bytes = 0

  /** Entries from `firstSeq` on, and the head that ends them; they follow what was added before. */
  add(firstSeq: number, payloads: readonly Uint8Array[]): void {
    for (const [index, payload] of payloads.entries()) {
      const isHead = index === payloads.length - 1
      const seq = firstSeq + index - (isHead ? 1 : 0)
      // A copy: payloads may be views of something larger.
      this.#kept.push({ seq, isHead, payload: Buffer.from(payload) })
      this.#bytes += payload.length
    }
    if (this.#bytes <= recentBytesMax && this.#kept.length <= recentRecordsMax) return
    // Down to the half, so that this is done now and then and not every time.
    let from = 0
    for (const { isHead, payload } of this.#kept) {
      const isFew = this.#bytes <= recentBytesMax / 2 && this.#kept.length - from <= recentRecordsMax / 2
      // A head without its entry is no beginning.
      if (isFew && !isHead) break
      this.#bytes -= payload.length
      from++
    }
    this.#kept = this.#kept.slice(from)
  }

  /** Everything from entry `seq` on; null when some of it is no longer kept. */
  from(seq: number): Buffer[] | null {
    const first = this.#kept[0]
    if (first === undefined || first.seq > seq) return null
    return this.#kept.filter((one) => one.seq >= seq).map(({ payload }) => payload)
  }
}
