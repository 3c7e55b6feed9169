/**
 * One line on a terminal that is drawn again and again.
 * Always holds: it is gone before anything else is printed, whatever the width of the terminal has become meanwhile.
 */
import { cut, visible } from './text.ts'
import type { Sink } from './writer.ts'

/** To the left edge, and everything from there on away. */
const erase = '\r\u001b[J'

export class Line {
  readonly #sink: Sink
  readonly #isAble: boolean
  #isDrawn = false

  /** @param sink where it is drawn; one that is no terminal, or cannot move its cursor, gets nothing. */
  constructor(sink: Sink, env: Readonly<Record<string, string | undefined>>) {
    this.#sink = sink
    this.#isAble = sink.isTerminal && env['TERM'] !== 'dumb'
  }

  get isAble(): boolean {
    return this.#isAble
  }

  /**
   * The cursor rests at the left edge, so that a terminal which breaks the line anew for a smaller width leaves it at
   * the beginning of all that has to go.
   */
  draw(text: string): void {
    if (!this.#isAble) return
    const shown = cut(visible(text), Math.max(1, (this.#sink.columns ?? 80) - 1))
    this.#isDrawn = true
    // Overwritten, and only what was longer erased: a line that is gone in between would flicker.
    this.#sink.write(`\r${shown}\u001b[J\r`)
  }

  clear(): void {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    this.#sink.write(erase)
  }

  /** A stream that shares the terminal with the line. */
  before(sink: Sink): Sink {
    const clear = () => this.clear()
    return {
      write(text) {
        clear()
        sink.write(text)
      },
      isTerminal: sink.isTerminal,
      get columns() {
        return sink.columns
      },
    }
  }
}
