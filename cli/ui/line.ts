/**
 * One line on a terminal that is drawn again and again.
 * Always holds: it is gone before anything else is printed, whatever the width of the terminal has become meanwhile.
 */
import { cut, visible, width } from './text.ts'
import type { Sink } from './writer.ts'

/** The rest of the row, and all rows below it. */
const restOfRow = '\u001b[K'
const restOfScreen = '\u001b[J'
/** A width that is out of date would make two lines of one, and the cursor would rest in the second. */
const unwrapped = (text: string): string => `\u001b[?7l${text}\u001b[?7h`

export class Line {
  readonly #sink: Sink
  readonly #isAble: boolean
  /** Columns of what is drawn; null for nothing. */
  #drawn: number | null = null

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
    const shown = cut(visible(text), this.#columns - 1)
    const rest = this.#rest
    this.#drawn = width(shown)
    // Overwritten, and only what was longer erased: a line that is gone in between would flicker.
    this.#sink.write(`\r${unwrapped(shown)}${rest}\r`)
  }

  clear(): void {
    if (this.#drawn === null) return
    const rest = this.#rest
    this.#drawn = null
    this.#sink.write(`\r${rest}`)
  }

  get #columns(): number {
    return Math.max(2, this.#sink.columns ?? 80)
  }

  /**
   * What erases the rest of the line: more than a row only where the terminal became narrower and may have broken it. At
   * the top of a screen tmux takes the other for the wish to keep all that stands there.
   */
  get #rest(): string {
    return (this.#drawn ?? 0) < this.#columns ? restOfRow : `${restOfRow}${restOfScreen}`
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
