/**
 * Standard output and standard error, line by line.
 * Always holds: what is printed is harmless on a terminal; a reader that went away is no error.
 */
import { flow } from './flow.ts'
import { type Piece, painter, wantsColour } from './paint.ts'
import { type Cell, layout } from './table.ts'
import { toJson, visible, wrap } from './text.ts'

/** Where the lines go. */
export type Sink = {
  write(text: string): void
  readonly isTerminal: boolean
  /** Of the terminal; undefined where there is none or it does not say. */
  readonly columns: number | undefined
}

export type Writer = {
  readonly isTerminal: boolean
  line(...pieces: readonly Piece[]): void
  /** A paragraph, broken at the width of the terminal, or at 80 columns. */
  words(text: string): void
  /** Sentences: on a terminal broken at its width, into a file or a pipe on one line. */
  flow(indent: number, ...pieces: readonly Piece[]): void
  /** Rows in columns. On a terminal they are cut to its width; into a file or a pipe they go whole. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void
  /** One value, on one line. */
  json(value: unknown): void
}

const columnsDefault = 80

export function makeWriter(sink: Sink, env: Readonly<Record<string, string | undefined>>): Writer {
  const paint = painter(wantsColour(sink.isTerminal, env), visible)
  // Asked for every time: a terminal may have another width by then.
  const columns = () => Math.max(20, sink.columns ?? columnsDefault)
  const line = (...pieces: readonly Piece[]) => sink.write(`${pieces.map(paint).join('')}\n`)
  return {
    isTerminal: sink.isTerminal,
    line,
    words(text) {
      for (const one of wrap(text, columns())) line(one)
    },
    flow(indent, ...pieces) {
      const lines = sink.isTerminal ? flow(pieces, columns() - indent) : [pieces]
      for (const one of lines) line(' '.repeat(indent), ...one)
    },
    table(head, rows) {
      for (const pieces of layout(head, rows, sink.isTerminal ? columns() : null)) line(...pieces)
    },
    json: (value) => sink.write(`${toJson(value)}\n`),
  }
}
