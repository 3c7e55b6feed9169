/** T14, T16: which names may exist in a canonical home, and that the quick look lets nothing through that may not. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pathBytesMax, pathSegmentBytesMax, pathSegmentsMax } from '../../schemas/limits.ts'
import { pathFault } from '../../schemas/path.ts'

const good = [
  'AGENTS.md',
  'skills/a/SKILL.md',
  'skills/com5x/a',
  'concert.md',
  'prn-1',
  '_x/-y',
  'a b/c',
  'é.md',
  `${'d/'.repeat(pathSegmentsMax - 1)}f`,
  'n'.repeat(pathSegmentBytesMax),
]
const bad: readonly (readonly [path: string, why: string])[] = [
  ['', 'empty'],
  ['/a', 'absolute'],
  ['a//b', 'empty part'],
  ['a/', 'empty part'],
  ['..', '..'],
  ['a/../b', '..'],
  ['./a', '.'],
  ['a.', 'space or a dot'],
  ['a /b', 'space or a dot'],
  [' a', 'begins with a space'],
  ['con', 'device'],
  ['a/Con.txt', 'device'],
  ['com1', 'device'],
  ['LPT9.tar.gz', 'device'],
  ['a/aux/b', 'device'],
  ['nul.', 'space or a dot'],
  ['conin$', 'device'],
  ['com²', 'device'],
  ['C:/x', 'cannot bear'],
  ['a\\b', 'cannot bear'],
  ['a\u0000b', 'cannot bear'],
  ['a\u202eb', 'cannot bear'],
  ['a\ud800', 'cannot bear'],
  ['e\u0301', 'normal form'],
  ['n'.repeat(pathSegmentBytesMax + 1), 'longer'],
  ['é'.repeat(pathSegmentBytesMax), 'longer'],
  [`${'d/'.repeat(pathSegmentsMax)}f`, 'deeper'],
  [`${'n'.repeat(100)}/`.repeat(9), 'longer'],
  ['.git/config', 'reserved'],
  ['x/.GIT', 'reserved'],
  ['.stemma-stage/a', 'reserved'],
]

test('T14, T16: the grammar of paths', () => {
  for (const path of good) expect(pathFault(path), path).toBeNull()
  for (const [path, why] of bad) expect(pathFault(path), JSON.stringify(path)).toContain(why)
})

/** The rules of plain names once more, each by itself and slowly. */
function isSound(path: string): boolean {
  return path.split('/').every((part) => {
    const stem = part.replace(/\..*$/s, '').toLowerCase()
    return (
      part !== '' &&
      !part.startsWith(' ') &&
      !/[ .]$/.test(part) &&
      !/[<>:"\\|?*]/.test(part) &&
      !['con', 'prn', 'aux', 'nul'].includes(stem.trimEnd()) &&
      !/^(com|lpt)[0-9]\s*$/.test(stem) &&
      !['.git', '.stemma-stage'].includes(part.toLowerCase())
    )
  })
}

test('T16: what is let through, quickly or not, obeys every rule, and nothing sound is refused', () => {
  const piece = fc.constantFrom(
    ...[
      'con',
      'CON',
      'prn',
      'Aux',
      'nul',
      'com',
      'lpt',
      '.git',
      '.',
      '-',
      '_',
      ' ',
      '1',
      '9',
      'a',
      'Z',
      ':',
      '\\',
    ],
    ...['/', '/', 'x'.repeat(121)],
  )
  const path = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(path, (text) => {
      const tooLong =
        text.length > pathBytesMax || text.split('/').some((part) => part.length > pathSegmentBytesMax)
      expect(pathFault(text) === null).toBe(isSound(text) && !tooLong)
    }),
    { numRuns: 5_000 },
  )
})
