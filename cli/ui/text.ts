/**
 * Text for a terminal: nothing in it can move the cursor, hide, or turn other text around.
 * Names and paths come from peers; whatever is printed goes through `visible` (or `toJson`).
 */

/** Cc (ESC, newline), Cf (bidi marks, zero-width), Cs, line and paragraph separators. */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** Each of those as `\u{…}`. */
export const visible = (text: string): string =>
  text.replace(hidden, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`)

/** One line of JSON that reads the same to a program, and is harmless on a terminal. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value).replace(hidden, (one) =>
    Array.from(
      { length: one.length },
      (_, at) => `\\u${one.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )

/** Ideographs, kana, Hangul, full-width forms and emoji take two columns; marks above a letter take none. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u
const plain = /^[\x20-\x7e]*$/

/** Columns on a terminal. */
export function width(text: string): number {
  if (plain.test(text)) return text.length
  let columns = 0
  for (const one of text) columns += /\p{M}/u.test(one) ? 0 : wide.test(one) ? 2 : 1
  return columns
}

/** At most `columns` wide; what is cut off is shown as `…`. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text
  let kept = ''
  let used = 1
  for (const one of text) {
    const next = used + width(one)
    if (next > columns) break
    kept += one
    used = next
  }
  return columns > 0 ? `${kept}…` : ''
}

/** Breaks at spaces, so that no line is wider than `columns` unless one word is. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line && width(line) + 1 + width(word) > columns) {
      lines.push(line)
      line = word
    } else line = line ? `${line} ${word}` : word
  }
  return [...lines, line]
}
