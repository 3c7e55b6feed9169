/**
 * Random TOML documents in every shape that people and programs write, and random edits of them.
 * Always holds: a document that is generated is valid TOML; it is made of few names, so that statements meet.
 */
import fc from 'fast-check'
import type { Edit } from '../../../engine/toml/edit.ts'
import { readToml } from '../../../engine/toml/toml.ts'
import type { Path, Value } from '../../../engine/toml/value.ts'
import { isRefusal } from '../../../schemas/fault.ts'

const names = [
  'a',
  'b',
  'c',
  'model',
  'x-1',
  'two words',
  'dot.ted',
  'ü',
  '',
  '1',
  "it's",
  'a"b',
  'constructor',
]
export const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c') },
  fc.constantFrom(...names),
)
export const path: fc.Arbitrary<Path> = fc.array(name, { minLength: 1, maxLength: 3 })

const keyText = (key: string, style: number): string => {
  if (style === 0 && /^[A-Za-z0-9_-]+$/.test(key)) return key
  if (style === 1 && !key.includes("'")) return `'${key}'`
  return JSON.stringify(key).replace('ü', style === 2 ? '\\u00fc' : 'ü')
}
const pathText = (keys: Path, style: number, gap: string): string =>
  keys.map((key, i) => keyText(key, (style + i) % 3)).join(`${gap}.${gap}`)

const scalars = [
  '1',
  '-17',
  '+99',
  '0xDEAD_beef',
  '0o755',
  '0b1010',
  '1_000',
  '9223372036854775807',
  '9007199254740993',
  '30.0',
  '-0.0',
  '0',
  '-0',
  '6.02e23',
  '1e-7',
  'inf',
  '-inf',
  'nan',
  '1e21',
  '5e0',
  '3.14_15',
  'true',
  'false',
  '"text"',
  "'C:\\path'",
  '"# no comment"',
  '"tab\\t \\u00fc \\" end"',
  '""',
  "''",
  "'[x]'",
  '1979-05-27T07:32:00Z',
  '1979-05-27 07:32:00.5-07:00',
  '1979-05-27T07:32:00',
  '1979-05-27',
  '07:32:00',
  '"""\nmany\n  # lines = 1\n[no.header]\n"""',
  "'''\n'quoted' \"\"\"\n'''",
  '"""a "quote"""""',
  '"""end\\\n   joined"""',
] as const
const multi = [
  '[\n  1, # one\n  "]", # two\n]',
  '[\n\n# only\n]',
  '[ [1, 2], ["#", \'}\'] ]',
  '[{ a = 1 }, { b = { c = "}" } }]',
  '[]',
]
const inlines = [
  '{}',
  '{ a = 1 }',
  '{a=1,b="x, y"}',
  '{ a.b = 30.0, c = { a = [1, 2] } }',
  "{ 'two words' = 1979-05-27, b = {} }",
]
const valueText = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...scalars) },
  { weight: 2, arbitrary: fc.constantFrom(...multi) },
  { weight: 3, arbitrary: fc.constantFrom(...inlines) },
)

const tail = fc.constantFrom('', '', '', ' # why', '\t#on it', '   ')
const statement = (path: fc.Arbitrary<Path>) =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(
          path,
          fc.nat(2),
          valueText,
          tail,
          fc.constantFrom('', '  ', '\t'),
          fc.constantFrom(' = ', '=', '  =\t'),
        )
        .map(
          ([keys, style, value, end, indent, eq]) =>
            `${indent}${pathText(keys, style, '')}${eq}${value}${end}`,
        ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(path, fc.nat(2), tail, fc.constantFrom('', ' '))
        .map(([keys, style, end, gap]) => `[${gap}${pathText(keys, style, gap)}${gap}]${end}`),
    },
    { weight: 1, arbitrary: fc.tuple(path, tail).map(([keys, end]) => `[[${pathText(keys, 0, '')}]]${end}`) },
    { weight: 2, arbitrary: fc.constantFrom('# note', '#', '  # [a]', '# a = 1', '#! ä') },
    { weight: 2, arbitrary: fc.constantFrom('', '  ') },
  )

/** Statements that would make the text invalid are left out. */
export function assemble(lines: readonly string[], eol: string): string[] {
  const kept: string[] = []
  for (const line of lines) {
    const text = line.replaceAll('\n', eol)
    if (!isRefusal(readToml([...kept, text].join(eol)))) kept.push(text)
  }
  return kept
}

export const documentsOf = (path: fc.Arbitrary<Path>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(statement(path), { maxLength: 14 }),
      fc.constantFrom('\n', '\n', '\r\n'),
      fc.constantFrom('', '', '', '\ufeff'),
      fc.boolean(),
    )
    .map(([lines, eol, bom, ended]) => {
      const kept = assemble(lines, eol)
      return bom + kept.join(eol) + (ended && kept.length > 0 ? eol : '')
    })

export const documentText = documentsOf(path)

export const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value[]>(
    '',
    'text',
    'two\nlines',
    '"\\',
    '\u007f',
    'ü😀',
    1n,
    -5n,
    9223372036854775807n,
    30,
    -0,
    0.1,
    1e300,
    Number.NaN,
    Infinity,
    true,
    false,
  ),
  fc.constant('1979-05-27T07:32:00Z').map((text) => dateOf(text)),
  fc.constant('07:32:00').map((text) => dateOf(text)),
)
export const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: false }) },
  ),
})).value

export const editsOf = (path: fc.Arbitrary<Path>): fc.Arbitrary<Edit> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ path, value }) },
    { weight: 2, arbitrary: fc.record({ path, unset: fc.constant<true>(true), prune: fc.boolean() }) },
  )

export const edit = editsOf(path)

function dateOf(text: string): Value {
  const read = readToml(`d = ${text}`)
  const date = isRefusal(read) ? undefined : read.table['d']
  return date ?? ''
}
