/** S44: the span editor on every form of TOML that a config.toml may have. */
import { describe, expect, test } from 'vitest'
import { mergeConfig } from '../../../engine/merge/merge.ts'
import { readDocument, render } from '../../../engine/toml/document.ts'
import { type Edit, editDocument } from '../../../engine/toml/edit.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { tomlBytesMax } from '../../../schemas/limits.ts'

function edited(text: string, ...edits: Edit[]): string {
  const done = editDocument(text, edits)
  if (isRefusal(done)) throw new Error(done.why)
  expect(done.fallback).toBe(false)
  return done.text
}
const set = (path: string, value: Extract<Edit, { value: unknown }>['value']): Edit => ({
  path: path.split('/'),
  value,
})
const unset = (path: string, prune = false): Edit => ({ path: path.split('/'), unset: true, prune })

describe('a value is replaced where it stands', () => {
  test.each<[string, string, Edit, string]>([
    [
      'comments on, above and after it',
      '# a\n# b\nx = 1 # on\n# after\n',
      set('x', 2n),
      '# a\n# b\nx = 2 # on\n# after\n',
    ],
    ['an indented one', '[t]\n\tx  =   1\n', set('t/x', 'y'), '[t]\n\tx  =   "y"\n'],
    ['CRLF', '[t]\r\nx = 1\r\ny = 2\r\n', set('t/x', 3n), '[t]\r\nx = 3\r\ny = 2\r\n'],
    ['a byte-order mark', '\ufeffx = 1\n', set('x', 2n), '\ufeffx = 2\n'],
    ['no line end', 'x = 1', set('x', 2n), 'x = 2'],
    [
      'a multi-line string',
      'x = """\na = 1 # no\n[b]\n"""\ny = 1\n',
      set('y', 2n),
      'x = """\na = 1 # no\n[b]\n"""\ny = 2\n',
    ],
    ['quotes at the end of one', 'x = """a"""""\ny = 1\n', set('y', 2n), 'x = """a"""""\ny = 2\n'],
    ['an escaped quote', 'x = "\\\\\\"" # "\ny = 1\n', set('y', 2n), 'x = "\\\\\\"" # "\ny = 2\n'],
    ['a multi-line array', 'x = [\n 1, # ]\n]\ny = 1\n', set('x', [1n, 2.5]), 'x = [1, 2.5]\ny = 1\n'],
    ['a date with a space', 'x = 1979-05-27 07:32:00Z # d\n', set('x', true), 'x = true # d\n'],
    ['a quoted key', `[a."b.c"]\n'd e' = 1\n`, set('a/b.c/d e', 2n), `[a."b.c"]\n'd e' = 2\n`],
    ['an escaped key', '"\\u00fc" = 1\n', set('ü', 2n), '"\\u00fc" = 2\n'],
    ['a dotted key', 'a . "b".c = 1\n', set('a/b/c', 2n), 'a . "b".c = 2\n'],
    [
      'in an inline table',
      'a = { b = 30.0, "c" = { d = 1 } } # i\n',
      set('a/c/d', 2n),
      'a = { b = 30.0, "c" = { d = 2 } } # i\n',
    ],
    [
      'in an inline table over lines',
      'a = {\n  b = 1, # one\n  c = 2,\n}\n',
      set('a/b', 3n),
      'a = {\n  b = 3, # one\n  c = 2,\n}\n',
    ],
    ['the key that a comment shows', '# x = 1\nx = 1\n', set('x', 2n), '# x = 1\nx = 2\n'],
    ['a plain value by a table', 'a = 1\nb = 2\n', set('a/c', 3n), 'a = { c = 3 }\nb = 2\n'],
  ])('%s', (_, text, edit, expected) => expect(edited(text, edit)).toBe(expected))
})

describe('a new key goes into its table', () => {
  test.each<[string, string, Edit, string]>([
    ['an empty file', '', set('x', 1n), 'x = 1\n'],
    ['an empty file, deep', '', set('a/b/c', 1n), '[a.b]\nc = 1\n'],
    ['a file of one comment', '# mine\n', set('x', 1n), '# mine\n\nx = 1\n'],
    ['no line end', 'x = 1', set('y', 2n), 'x = 1\ny = 2\n'],
    ['before the first header', '# h\n\n[a]\nb = 1\n', set('x', 1n), '# h\n\nx = 1\n\n[a]\nb = 1\n'],
    [
      'a section in the middle',
      '[a]\nx = 1\n\n# b\n[b]\n',
      set('a/y', 2n),
      '[a]\nx = 1\ny = 2\n\n# b\n[b]\n',
    ],
    [
      'a new section, at the end',
      '[a]\nx = 1\n',
      set('b/c', { y: 1n, d: { z: 2n } }),
      '[a]\nx = 1\n\n[b.c]\ny = 1\n\n[b.c.d]\nz = 2\n',
    ],
    [
      'a super-table after its sub-table',
      '[a.b]\nx = 1\n\n[a]\ny = 1\n',
      set('a/z', 2n),
      '[a.b]\nx = 1\n\n[a]\ny = 1\nz = 2\n',
    ],
    [
      'a super-table without header',
      '[x]\n\n[a.b]\nc = 1\n',
      set('a/d', 2n),
      '[x]\n\n[a]\nd = 2\n\n[a.b]\nc = 1\n',
    ],
    ['beside dotted keys', 'a.b = 1\nc = 2\n', set('a/d/e', 3n), 'a.b = 1\na.d.e = 3\nc = 2\n'],
    ['a table beside dotted keys', '[t]\na.b = 1\n', set('t/a/d', { e: 3n }), '[t]\na.b = 1\na.d.e = 3\n'],
    ['into an inline table', 'a = { b = 1 }\n', set('a/c/d', 2n), 'a = { b = 1, c.d = 2 }\n'],
    ['into an empty inline table', 'a = {}\n', set('a/c', 2n), 'a = { c = 2 }\n'],
    ['not into an array of tables', '[[a]]\nx = 1\n', set('b', 2n), 'b = 2\n\n[[a]]\nx = 1\n'],
    [
      'an array of tables, as a unit',
      '[[a]]\nx = 1\n\n[[a]]\nx = 2\n\n[b]\n',
      set('a', [{ x: 3n }]),
      'a = [{ x = 3 }]\n\n[b]\n',
    ],
    ['with a quoted name', '[p]\n', set('p/a.b', 1n), '[p]\n"a.b" = 1\n'],
    ['as indented as its neighbours', '[p]\n  x = 1\n', set('p/y', 1n), '[p]\n  x = 1\n  y = 1\n'],
    ['in CRLF', '[p]\r\nx = 1\r\n', set('q/y', 1n), '[p]\r\nx = 1\r\n\r\n[q]\r\ny = 1\r\n'],
  ])('%s', (_, text, edit, expected) => expect(edited(text, edit)).toBe(expected))
})

describe('a key is removed with the comments that belong to it', () => {
  test.each<[string, string, Edit, string]>([
    ['a comment above and on it', 'a = 1\n# b\nb = 2 # on\nc = 3\n', unset('b'), 'a = 1\nc = 3\n'],
    ['a comment set apart stays', 'a = 1\n\n# apart\n\nb = 2\n', unset('b'), 'a = 1\n\n# apart\n'],
    ['the comment that opens the file stays', '# file\na = 1\nb = 2\n', unset('a'), '# file\nb = 2\n'],
    ['the header that the user wrote stays', '[a]\nx = 1\n\n[b]\n', unset('a/x'), '[a]\n\n[b]\n'],
    ['unless pruned', '[z]\n\n[a]\nx = 1\n\n[b]\n', unset('a/x', true), '[z]\n\n[b]\n'],
    ['but not with a comment in it', '[a] # mine\nx = 1\n', unset('a/x', true), '[a] # mine\n'],
    ['a table with its sub-tables', '[a]\nx = 1\n\n[a.b]\n\n[c]\n\n[a.d]\n', unset('a'), '[c]\n'],
    ['an array of tables', 'x = 1\n\n[[a]]\n[a.b]\n\n[[a]]\n', unset('a'), 'x = 1\n'],
    ['dotted keys', 'a.b = 1\nx = 1\na.c = 2\n', unset('a'), 'x = 1\n'],
    ['in an inline table', 'a = { b = 1, c = 30.0, d = 3 }\n', unset('a/b'), 'a = { c = 30.0, d = 3 }\n'],
    ['the last in an inline table', 'a = { b = 1, c = 2 }\n', unset('a/c'), 'a = { b = 1 }\n'],
    ['the only one in an inline table', 'a = { b.c = 1 }\n', unset('a/b'), 'a = {}\n'],
    [
      'the comment at the end of the file stays',
      '[a]\n\n[p]\nx = 1\n\n# end\n',
      unset('p'),
      '[a]\n\n# end\n',
    ],
    ['what is not there', '[a]\nx = 1\n', unset('a/y'), '[a]\nx = 1\n'],
    ['nothing behind an array', '[[a]]\nb.c = 1\n', unset('a/b'), '[[a]]\nb.c = 1\n'],
  ])('%s', (_, text, edit, expected) => expect(edited(text, edit)).toBe(expected))
})

test('S44: values are written in their own type', () => {
  const values = [
    30,
    -0,
    1e21,
    0.1,
    Number.NaN,
    -Infinity,
    30n,
    9223372036854775807n,
    true,
    '\u007f"\\\n',
    [],
    {},
  ]
  expect(edited('', set('x', values))).toBe(
    'x = [30.0, -0.0, 1e+21, 0.1, nan, -inf, 30, 9223372036854775807, true, "\\u007f\\"\\\\\\n", [], {}]\n',
  )
})

test('a table is set key by key: what it has already keeps its bytes', () => {
  const text = '[m]\n# why\na = 30.0 # s\nb = 1\n\n[m.env]\nX = 1\n'
  expect(edited(text, set('m', { a: 30, env: { X: 1n, Y: 'z' } }))).toBe(
    '[m]\n# why\na = 30.0 # s\n\n[m.env]\nX = 1\nY = "z"\n',
  )
})

test('S44: 5,000 lines: all others keep their bytes', () => {
  const lines = Array.from({ length: 2500 }, (_, i) => `# note ${i}\nkey_${i} = ${i}.50 # ${i}`)
  const text = `${lines.join('\n')}\n`
  expect(edited(text, set('key_1234', 1n))).toBe(text.replace('key_1234 = 1234.50', 'key_1234 = 1'))
})

test('S41: what is not TOML is refused with its line', () => {
  expect(editDocument('a = 1\nb = \n', [set('a', 2n)])).toMatchObject({
    refused: 'bad-config',
    facts: { line: 2 },
  })
})

test('Q3: what is too long or too deep is refused before anything walks it', () => {
  const deep = [
    `${'a.'.repeat(30_000)}a = 1`,
    `[${'a.'.repeat(30_000)}a]`,
    `a = ${'['.repeat(30_000)}`,
    `a${'.a'.repeat(64)} = 1`,
  ]
  for (const text of [...deep, `# ${'x'.repeat(tomlBytesMax)}`])
    expect(editDocument(text, [set('b', 1n)])).toMatchObject({ refused: 'bad-config' })
  expect(editDocument(`a${'.a'.repeat(63)} = 1`, [])).toMatchObject({ fallback: false })
})

test('Q3: a result that nobody could read again is a refusal, however it came about', () => {
  const almost = `a = "${'x'.repeat(tomlBytesMax - 20)}"\n`
  expect(editDocument(almost, [])).toMatchObject({ fallback: false })
  const long = { refused: 'bad-config', why: expect.stringContaining('longer') }
  expect(editDocument(almost, [set('hooks', 'x'.repeat(100))])).toMatchObject(long)
  const [canonical, local] = ['a', 'b'].map((key) => `${key} = "${'x'.repeat(600_000)}"\n`)
  expect(mergeConfig({ canonical: canonical ?? '', local: local ?? '', last: null })).toMatchObject(long)
})

test('a document is rendered as it was read', () => {
  for (const text of ['', '\ufeff', '\r\n', '[a]#x', '  x=1\t# y', "[ a . 'b' ]\n[[ c ]]\n\n# end"]) {
    const document = readDocument(text)
    if (isRefusal(document)) throw new Error(document.why)
    expect(render(document)).toBe(text)
  }
})
