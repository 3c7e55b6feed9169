/** What the command line prints with: text made harmless, tables that fit, amounts, colours, slips. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ago, counted, duration, moment, size } from '../../cli/ui/amount.ts'
import { bold, red } from '../../cli/ui/paint.ts'
import { suggest } from '../../cli/ui/suggest.ts'
import type { Cell } from '../../cli/ui/table.ts'
import { cut, toJson, visible, width, wrap } from '../../cli/ui/text.ts'
import { makeWriter } from '../../cli/ui/writer.ts'
import { screen } from './world.ts'

const esc = '\u001b'
const dangerous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

describe('Q3: whatever a peer is named, printing it is harmless', () => {
  test.each([
    ['plain text, ünïcödé, 漢字', 'plain text, ünïcödé, 漢字'],
    ['a\nb', 'a\\u{a}b'],
    [`${esc}[2J`, '\\u{1b}[2J'],
    ['user\u202egpj.exe', 'user\\u{202e}gpj.exe'],
    ['zero\u200bwidth', 'zero\\u{200b}width'],
    ['\ud800', '\\u{d800}'],
    ['\u{e0041}', '\\u{e0041}'],
  ])('%j', (text, shown) => {
    expect(visible(text)).toBe(shown)
  })

  test('any text, on a line, in a cell, in JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const at = screen({ columns: 40 })
        const out = makeWriter(at, { NO_COLOR: '1' })
        out.line(text, red(text))
        out.words(text)
        out.table(['Name', ''], [[text, bold(text)]])
        out.json({ text })
        for (const line of at.lines) expect(line).not.toMatch(dangerous)
        expect(JSON.parse(at.lines.at(-1) ?? '')).toEqual({ text })
        expect(JSON.parse(toJson(text))).toBe(text)
      }),
    )
  })
})

describe('U1: colours are for people who want them', () => {
  test.each<[string, { columns?: number } | null, Record<string, string>, boolean]>([
    ['a terminal', { columns: 80 }, {}, true],
    ['a terminal and NO_COLOR', { columns: 80 }, { NO_COLOR: '1' }, false],
    ['a terminal and an empty NO_COLOR', { columns: 80 }, { NO_COLOR: '' }, true],
    ['a dumb terminal', { columns: 80 }, { TERM: 'dumb' }, false],
    ['a pipe', null, {}, false],
    ['a pipe and FORCE_COLOR', null, { FORCE_COLOR: '1' }, false],
  ])('%s', (_, terminal, env, colours) => {
    const at = screen(terminal)
    makeWriter(at, env).line(red('x'))
    expect(at.text.includes(esc)).toBe(colours)
    if (!colours) expect(at.text).toBe('x\n')
  })
})

describe('U1: tables fit the terminal', () => {
  const rows: (readonly Cell[])[] = [
    ['laptop', 'linux', 12_345, 'in step'],
    [
      'a machine with quite a long name, on the third floor',
      'darwin',
      7,
      red('7 entries behind since yesterday'),
    ],
    ['漢字漢字漢字漢字', 'win32', 0, 'in step'],
  ]
  const head = ['Name', 'System', 'Seq', 'State']
  const print = (columns: number | null) => {
    const at = screen(columns === null ? null : { columns })
    makeWriter(at, { NO_COLOR: '1' }).table(head, rows)
    return at.lines
  }

  test('at 80 columns', () => {
    expect(print(80)).toEqual([
      'Name                             System    Seq  State',
      'laptop                           linux   12345  in step',
      'a machine with quite a long na…  darwin      7  7 entries behind since yesterday',
      '漢字漢字漢字漢字                 win32       0  in step',
    ])
  })

  test.each([30, 40, 60, 80, 120])('no line is wider than %i columns', (columns) => {
    for (const line of print(columns)) expect(width(line)).toBeLessThanOrEqual(columns)
  })

  test('into a pipe nothing is cut', () => {
    expect(print(null).join('\n')).toContain('7 entries behind since yesterday')
    expect(print(null).join('\n')).toContain('on the third floor')
  })

  test('without heads and without rows', () => {
    const at = screen()
    const out = makeWriter(at, {})
    out.table(['', ''], [['role', 'master']])
    out.table(['Name'], [])
    expect(at.lines).toEqual(['role  master', 'Name'])
  })
})

describe('U1: sentences', () => {
  const shown = (
    columns: number | null,
    ...pieces: Parameters<ReturnType<typeof makeWriter>['flow']>[1][]
  ) => {
    const at = screen(columns === null ? null : { columns })
    makeWriter(at, columns === null ? {} : { TERM: 'xterm' }).flow(2, ...pieces)
    return at
  }
  test('are broken between words on a terminal, each word in its colour, and whole in a pipe', () => {
    const pieces = [red('one two'), ' three ', bold('fourth')]
    expect(shown(null, ...pieces).lines).toEqual(['  one two three fourth'])
    const plain = shown(20, ...pieces).lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''))
    expect(plain).toEqual(['  one two three', '  fourth'])
    expect(
      shown(20, red('one two three four five')).lines.filter((line) => line.includes('\u001b[31m')),
    ).toHaveLength(2)
  })

  test('whatever they are made of, nothing is lost and no line is wider than one word makes it', () => {
    const text = fc.string({ unit: 'grapheme-composite', minLength: 1 }).map((one) => one.replace(/^ +/, 'x'))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fc.boolean()), { minLength: 1 }),
        fc.integer({ min: 20, max: 60 }),
        (all, columns) => {
          const at = screen({ columns })
          const whole = all.map(([one]) => visible(one)).join('')
          makeWriter(at, { NO_COLOR: '1' }).flow(0, ...all.map(([one, isRed]) => (isRed ? red(one) : one)))
          expect(at.lines.join(' ')).toBe(whole)
          for (const line of at.lines) expect(width(line) <= columns || !line.includes(' ')).toBe(true)
        },
      ),
    )
  })
})

describe('text', () => {
  test('is cut by columns, not by letters', () => {
    expect(cut('abcdef', 6)).toBe('abcdef')
    expect(cut('abcdef', 5)).toBe('abcd…')
    expect(cut('漢字漢字', 5)).toBe('漢字…')
    expect(cut('abc', 0)).toBe('')
  })
  test('is broken at spaces', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('extraordinary', 5)).toEqual(['extraordinary'])
  })
})

describe('amounts', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_468_006, '1.4 MiB'],
    [12 * 1024 ** 2, '12 MiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [5 * 1024 ** 5, '5120 TiB'],
  ])('%i bytes', (bytes, shown) => {
    expect(size(bytes)).toBe(shown)
  })
  test.each([
    [0, '0 ms'],
    [999.9, '999 ms'],
    [1234, '1.2 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [47 * 3_600_000, '47 h'],
    [72 * 3_600_000, '3 days'],
  ])('%d ms', (ms, shown) => {
    expect(duration(ms)).toBe(shown)
  })
  test('how long ago, also when clocks differ', () => {
    const now = 1_738_311_302_000
    expect(ago(now, now)).toBe('just now')
    expect(ago(now - 5_000, now)).toBe('5 s ago')
    expect(ago(now - 120_000, now)).toBe('2 min ago')
    expect(ago(now + 30_000, now)).toBe('just now')
    expect(ago(now + 3_600_000, now)).toBe('1 h ahead of this clock')
    expect(moment(now)).toBe('2025-01-31 08:15:02 UTC')
    expect(moment(Number.MAX_SAFE_INTEGER)).toBe('an unknown time')
    expect(counted(1, 'file')).toBe('1 file')
    expect(counted(2, 'entry', 'entries')).toBe('2 entries')
  })
})

test.each([
  ['stauts', 'status'],
  ['STATUS', 'status'],
  ['jion', 'join'],
  ['rebuld', 'rebuild'],
  ['reb', 'rebuild'],
  ['x', null],
  ['nothing', null],
  ['', null],
])('U1: for %j somebody may have meant %j', (word, meant) => {
  expect(suggest(word, ['status', 'join', 'rebuild', 'sync'])).toBe(meant)
})
