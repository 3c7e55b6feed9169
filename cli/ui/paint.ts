/**
 * Colours, as marks on pieces of text: they become escape sequences only where the piece is printed, after
 * everything else in it was made harmless. The one place that imports picocolors.
 */
import picocolors from 'picocolors'

const styles = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const
export type Style = (typeof styles)[number]
export type Piece = string | { readonly style: Style; readonly text: string }

const painted =
  (style: Style) =>
  (text: string): Piece => ({ style, text })
export const bold = painted('bold')
export const dim = painted('dim')
export const red = painted('red')
export const green = painted('green')
export const yellow = painted('yellow')
export const cyan = painted('cyan')

export const textOf = (piece: Piece): string => (typeof piece === 'string' ? piece : piece.text)

/**
 * Colours are for people at a terminal that has them, unless they said no (https://no-color.org). A pipe gets none,
 * whatever FORCE_COLOR says: programs read there.
 */
export function wantsColour(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}

/** @param clean makes a piece's text harmless. */
export function painter(colours: boolean, clean: (text: string) => string): (piece: Piece) => string {
  const paint = picocolors.createColors(colours)
  return (piece) => (typeof piece === 'string' ? clean(piece) : paint[piece.style](clean(piece.text)))
}
