/** S25: what is gone from the home is published as removed, unless it is so much that a person has to look. */
import { describe, expect, test } from 'vitest'
import { isTooMuch, LossGuard, type LossInput, lossOf } from '../../../engine/canon/loss.ts'
import { defaultSelection } from '../../../engine/canon/selection.ts'
import type { CanonFile } from '../../../engine/fold/file.ts'
import { lossFilesMin, lossWindowMs } from '../../../schemas/limits.ts'
import { type HomePath, isHomePath } from '../../../schemas/path.ts'
import { hashOf } from './home.ts'

const path = (text: string): HomePath => {
  if (!isHomePath(text)) throw new Error(text)
  return text
}
const tree = (files: Readonly<Record<string, string>>) =>
  new Map(
    Object.entries(files).map(([name, content]): [HomePath, CanonFile] => [
      path(name),
      { exec: false, size: content.length, blob: hashOf(content) },
    ]),
  )
const many = (count: number, from = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`skills/s${from + at}`, `${from + at}`]))
const input = (
  files: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
  more: { selection?: LossInput['selection']; secrets?: string[]; found?: string[]; kept?: string[] } = {},
): LossInput => ({
  files: tree(files),
  secrets: new Set((more.secrets ?? []).map(path)),
  selection: more.selection ?? defaultSelection,
  found: {
    files: tree(now),
    secrets: (more.found ?? []).map((name) => ({ path: path(name) })),
    kept: new Set((more.kept ?? []).map(path)),
  },
})

const half = lossFilesMin / 2
describe('S25: too much', () => {
  test.each([
    // before, gone, now, waits
    [0, 0, 0, false],
    [0, 0, 5, false],
    [1, 0, 1, false],
    // Of one file: the home is empty, or it has another one instead.
    [1, 1, 0, true],
    [1, 1, 1, false],
    [2, 1, 1, false],
    [2, 2, 0, true],
    [2, 2, 9, true],
    // Of a few, as long as one is left.
    [lossFilesMin - 1, lossFilesMin - 2, 1, false],
    [lossFilesMin - 1, lossFilesMin - 1, 30, true],
    // Of many, up to the half.
    [lossFilesMin, half, half, false],
    [lossFilesMin, half + 1, half - 1, true],
    [lossFilesMin + 1, half, half + 1, false],
    [lossFilesMin + 1, half + 1, half, true],
    [100_000, 50_000, 50_000, false],
    [100_000, 50_001, 49_999, true],
  ])('of %i files %i are gone, and the home has %i: %s', (before, gone, now, waits) => {
    expect(isTooMuch({ before, gone, now })).toBe(waits)
  })
})

describe('S25: gone', () => {
  const gone = (of: LossInput) => {
    const loss = lossOf(of)
    return [loss.before, loss.gone.join(' '), loss.here.size]
  }
  test('plain and secret files alike', () => {
    expect(gone(input({ a: '1', b: '2' }, {}, {}))).toEqual([0, '', 0])
    const files = { 'AGENTS.md': '1', 'rules/x': '2' }
    expect(
      gone(input(files, { 'rules/x': 'changed' }, { secrets: ['.env', 'config.toml'], found: ['.env'] })),
    ).toEqual([4, 'AGENTS.md config.toml', 2])
  })
  test('not what only moved, what could not be looked at, or what was left out on purpose', () => {
    const files = { 'AGENTS.md': '1', 'skills/a': '2', 'skills/b': '3' }
    expect(gone(input(files, { 'AGENTS.md': '1', 'rules/a': '2', 'rules/b': '3' }))).toEqual([3, '', 3])
    expect(gone(input(files, { 'AGENTS.md': '1' }, { kept: ['skills/a', 'skills/b'] }))).toEqual([3, '', 3])
    const selection = { ...defaultSelection, exclude: ['skills/'] }
    expect(gone(input(files, { 'AGENTS.md': '1' }, { selection }))).toEqual([1, '', 1])
    // One that moved stands for one.
    expect(gone(input({ 'rules/a': '1', 'rules/b': '1' }, { 'rules/c': '1' }))).toEqual([2, 'rules/b', 1])
    // The same content that was there before under another name is no move.
    expect(gone(input({ 'rules/a': '1', 'rules/b': '1' }, { 'rules/b': '1' }))).toEqual([2, 'rules/a', 1])
  })
})

describe('S25: the guard', () => {
  const judge =
    (guard: LossGuard, of: LossInput, nowMs = 0) =>
    () =>
      guard.judge('/home/u/.codex', lossOf(of), nowMs)
  const empty = input(many(30), {})

  test('says what is gone, with a few names; a person may let it pass once', () => {
    const guard = new LossGuard()
    expect(judge(guard, empty)).toThrow(
      'No canonical file is left in /home/u/.codex (gone: skills/s0, skills/s1, skills/s2 and 27 more).',
    )
    expect(judge(guard, input(many(30), many(10)))).toThrow(
      expect.objectContaining({
        code: 'files-gone',
        message:
          '20 of 30 canonical files are gone from /home/u/.codex (gone: skills/s10, skills/s11, skills/s12 and 17 more). Nothing is published until a person has looked at it.',
        facts: { home: '/home/u/.codex', before: 30, gone: 20, now: 10 },
      }),
    )
    guard.permit()
    judge(guard, empty)()
    expect(judge(guard, empty)).toThrow()
    guard.permit()
    guard.forbid()
    expect(judge(guard, empty)).toThrow()
  })

  test('counts what went in parts, within its window', () => {
    const steps = [30, 24, 18, 13] as const
    const within = (everyMs: number) => {
      const guard = new LossGuard()
      for (const [at, left] of steps.entries()) {
        const before = steps[at - 1]
        if (before !== undefined) judge(guard, input(many(before), many(left)), at * everyMs)()
      }
    }
    expect(() => within(1_000)).toThrow('17 of 30 canonical files are gone')
    expect(() => within(lossWindowMs)).not.toThrow()
  })

  test('what comes back is no loss, however often it goes', () => {
    const guard = new LossGuard()
    for (let round = 0; round < 20; round++) {
      judge(guard, input(many(30), many(25)), 2 * round)()
      judge(guard, input(many(25), many(30)), 2 * round + 1)()
    }
    // What stayed away since counts once.
    judge(guard, input(many(30), many(25)), 50)()
    judge(guard, input(many(25), many(15)), 51)()
    expect(judge(guard, input(many(15), many(14)), 52)).toThrow('16 of 30 canonical files are gone')
  })

  test('a removal that was let pass is not held against the next one', () => {
    const guard = new LossGuard()
    guard.permit()
    judge(guard, input(many(100), many(40)))()
    judge(guard, input(many(40), many(30)), 1)()
  })
})
