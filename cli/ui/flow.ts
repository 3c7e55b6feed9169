/** Painted text broken into lines. Always holds: nothing but the spaces at the breaks is lost, and colours stay where they were. */
import { type Piece, textOf } from './paint.ts'
import { visible, wrap } from './text.ts'

export function flow(pieces: readonly Piece[], columns: number): readonly (readonly Piece[])[] {
  const clean = pieces.map((piece): Piece => {
    const text = visible(textOf(piece))
    return typeof piece === 'string' ? text : { ...piece, text }
  })
  let at = 0
  return wrap(clean.map(textOf).join(''), columns).map((line) => {
    const from = at
    at += line.length + 1
    return slice(clean, from, from + line.length)
  })
}

/** The letters from `from` up to `to`, of all pieces together. */
function slice(pieces: readonly Piece[], from: number, to: number): Piece[] {
  let start = 0
  return pieces.flatMap((piece): Piece[] => {
    const whole = textOf(piece)
    const text = whole.slice(Math.max(0, from - start), Math.max(0, to - start))
    start += whole.length
    if (text === '') return []
    return [typeof piece === 'string' ? text : { ...piece, text }]
  })
}
