/** What somebody may have meant: the nearest known word, when it is near enough to be a slip. */

/** More than these would be a list, not a guess. */
const guessesMax = 3

/** The end of a sentence about a word that is not known. */
export function meant(guesses: string | null | readonly string[]): string {
  const all = (typeof guesses === 'string' ? [guesses] : (guesses ?? [])).map((one) => `\`${one}\``)
  if (all.length === 0 || all.length > guessesMax) return '.'
  return `; did you mean ${all.join(', ').replace(/, (?=[^,]*$)/, ' or ')}?`
}

export function suggest(word: string, known: readonly string[]): string | null {
  const typed = word.toLowerCase()
  let best: string | null = null
  // A third of the letters may be wrong; of two or three letters, one.
  let least = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const one of known) {
    const name = one.toLowerCase()
    const far = name.startsWith(typed) && typed.length > 1 ? 1 : distance(typed, name)
    if (far >= least) continue
    least = far
    best = one
  }
  return best
}

/** Letters to add, drop, change, or swap with their neighbour, to make one word of the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)]
  const cell = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        cell(i - 1, j) + 1,
        cell(i, j - 1) + 1,
        cell(i - 1, j - 1) + (same ? 0 : 1),
        swapped ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
  }
  return cell(a.length, b.length)
}
