/** Rows in columns that fit a width. Always holds: no line is wider than asked, and every column keeps its head. */
import { bold, type Piece, textOf } from './paint.ts'
import { cut, visible, width } from './text.ts'

/** A number stands to the right. */
export type Cell = Piece | number

const gap = 2

/** @param columns the width to fit, or null for as wide as it gets. */
export function layout(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns: number | null,
): readonly (readonly Piece[])[] {
  const heads = head.map((text): Piece => bold(text))
  const lines: readonly (readonly Cell[])[] = head.some((text) => text) ? [heads, ...rows] : rows
  const widths = head.map((_, at) => Math.max(...lines.map((line) => width(shown(line[at] ?? '')))))
  if (columns !== null) shrink(widths, columns, head)
  return lines.map((line, lineAt) =>
    head.flatMap((_, at): Piece[] => {
      const cell = line[at] ?? ''
      const room = widths[at] ?? 0
      const text = cut(shown(cell), room)
      const space = ' '.repeat(room - width(text))
      const piece: Piece = typeof cell === 'object' ? { ...cell, text } : text
      // The head of a column of numbers stands where they do.
      const right = typeof cell === 'number' || (lineAt === 0 && isNumbers(rows, at))
      const last = at === head.length - 1
      const after = last ? '' : ' '.repeat(gap)
      return right ? [space, piece, after] : [piece, last ? '' : space, after]
    }),
  )
}

const shown = (cell: Cell): string => (typeof cell === 'number' ? String(cell) : visible(textOf(cell)))
const isNumbers = (rows: readonly (readonly Cell[])[], at: number): boolean =>
  rows.length > 0 && rows.every((row) => typeof row[at] === 'number')

/** Takes columns from the widest, one by one, until the line fits; none gets narrower than its head. */
function shrink(widths: number[], columns: number, head: readonly string[]): void {
  const sum = () => widths.reduce((total, one) => total + one, 0) + gap * (widths.length - 1)
  for (let over = sum() - columns; over > 0; over--) {
    let widest = -1
    for (const [at, one] of widths.entries()) {
      if (one > Math.max(4, width(head[at] ?? '')) && one > (widths[widest] ?? 0)) widest = at
    }
    if (widest === -1) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}
