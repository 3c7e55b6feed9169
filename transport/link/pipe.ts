/**
 * A pipe for one content: one side pushes pieces, the other iterates over them. Holds one piece at most.
 */
import { Bell } from '../../engine/env/bell.ts'

export class Pipe implements AsyncIterable<Uint8Array> {
  readonly #turned = new Bell()
  #piece: Uint8Array | null = null
  #end: { readonly error: unknown } | null = null
  #cancelled = false

  /** Resolves once the piece has found room. */
  async push(piece: Uint8Array): Promise<void> {
    while (this.#piece !== null && !this.#cancelled) await this.#turned.next()
    this.#piece = piece
    this.#turned.ring()
  }
  end(): void {
    this.#end = { error: null }
    this.#turned.ring()
  }
  fail(error: unknown): void {
    this.#end = { error }
    this.#turned.ring()
  }
  /** The reader has gone: pushes no longer wait. */
  cancel(): void {
    this.#cancelled = true
    this.#turned.ring()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#piece
      if (piece !== null) {
        this.#piece = null
        this.#turned.ring()
        yield piece
      } else if (this.#end) {
        if (this.#end.error !== null) throw this.#end.error
        return
      } else await this.#turned.next()
    }
  }
}
