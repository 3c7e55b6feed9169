import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffLines, editsOf } from '../../../engine/show/diff.ts'
import { difference } from '../../../engine/show/difference.ts'
import { diffEditsMax, diffLineLettersMax, diffLinesMax } from '../../../schemas/limits.ts'

/** A letter a line. */
const side = (text: string) => {
  const raw = [...text]
  return { raw, shown: raw }
}

describe('S35: what differs between two texts', () => {
  test.each([
    ['', '', ''],
    ['abc', 'abc', ''],
    ['', 'ab', '@@ -0,0 +1,2 @@|+a|+b'],
    ['ab', '', '@@ -1,2 +0,0 @@|-a|-b'],
    ['a', 'b', '@@ -1 +1 @@|-a|+b'],
    ['abc', 'axc', '@@ -1,3 +1,3 @@| a|-b|+x| c'],
    ['abcdefgh', 'abcdXfgh', '@@ -2,7 +2,7 @@| b| c| d|-e|+X| f| g| h'],
    // Six equal lines between two changes join their hunks, seven part them.
    ['1abcdef2', 'XabcdefY', '@@ -1,8 +1,8 @@|-1|+X| a| b| c| d| e| f|-2|+Y'],
    ['1abcdefg2', 'XabcdefgY', '@@ -1,4 +1,4 @@|-1|+X| a| b| c|@@ -6,4 +6,4 @@| e| f| g|-2|+Y'],
  ])('%j and %j', (here, canonical, lines) => {
    expect(difference(side(here), side(canonical)).lines.join('|')).toBe(lines)
  })

  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 })
  test('either side is in it, and no shorter way was passed over', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const edits = editsOf(before, after)
        const of = (side: 'before' | 'after', mark: '-' | '+') =>
          edits.flatMap((edit) =>
            edit.mark === ' ' || edit.mark === mark
              ? [side in edit ? (edit as Record<string, number | string>)[side] : -1]
              : [],
          )
        expect(of('before', '-')).toEqual(before.map((_, at) => at))
        expect(of('after', '+')).toEqual(after.map((_, at) => at))
        for (const edit of edits) if (edit.mark === ' ') expect(before[edit.before]).toBe(after[edit.after])
        expect(edits.filter(({ mark }) => mark === ' ')).toHaveLength(commonOf(before, after))
        const shown = diffLines(before, after).flatMap((hunk) => hunk.edits)
        expect(shown.filter(({ mark }) => mark !== ' ')).toEqual(edits.filter(({ mark }) => mark !== ' '))
      }),
      { numRuns: 500 },
    )
  })

  test('Q3: texts that share next to nothing cost no more than the limit, and are shown in part', () => {
    const many = (name: string) => Array.from({ length: 20_000 }, (_, at) => `${name}${at}`)
    const [here, canonical] = [many('a'), many('b')]
    expect(here.length).toBeGreaterThan(diffEditsMax)
    const found = difference({ raw: here, shown: here }, { raw: canonical, shown: canonical })
    expect(found.lines).toHaveLength(diffLinesMax)
    expect(found.more).toBe(40_001 - diffLinesMax)
  })

  test('Q3: a line that is a whole file is cut', () => {
    const long = ['x'.repeat(10 * diffLineLettersMax)]
    const { lines } = difference({ raw: long, shown: long }, { raw: [], shown: [] })
    expect(lines[1]).toBe(`-${'x'.repeat(diffLineLettersMax)}…`)
  })
})

/** The length of the longest common subsequence, by the plain table. */
function commonOf(a: readonly string[], b: readonly string[]): number {
  let row = b.map(() => 0)
  for (const one of a) {
    const next: number[] = []
    for (const [at, other] of b.entries())
      next.push(one === other ? (row[at - 1] ?? 0) + 1 : Math.max(row[at] ?? 0, next[at - 1] ?? 0))
    row = next
  }
  return row.at(-1) ?? 0
}
