/** U1: long work at a terminal: one line that is drawn again, and that nothing else ever meets. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Line } from '../../cli/ui/line.ts'
import { makeTeller, wordsOf } from '../../cli/ui/progress.ts'
import { width } from '../../cli/ui/text.ts'
import { counting, type Progress } from '../../engine/env/progress.ts'
import { progressAfterMs, progressEveryMs } from '../../schemas/limits.ts'
import { screen } from './world.ts'

/** What stands on a terminal after all that was written, as far as the line makes use of one. */
function shown(text: string): string[] {
  const rows: string[] = ['']
  let column = 0
  for (let at = 0; at < text.length; at++) {
    const row = rows.length - 1
    const wraps = /^\u001b\[\?7[lh]/.exec(text.slice(at, at + 5))
    if (wraps) at += wraps[0].length - 1
    else if (text.startsWith('\u001b[K', at) || text.startsWith('\u001b[J', at)) {
      rows[row] = (rows[row] ?? '').slice(0, column)
      at += 2
    } else if (text[at] === '\r') column = 0
    else if (text[at] === '\n') {
      rows.push('')
      column = 0
    } else {
      rows[row] = (rows[row] ?? '').slice(0, column) + text[at] + (rows[row] ?? '').slice(column + 1)
      column++
    }
  }
  return rows
}

function at(columns = 80, env: Record<string, string> = {}) {
  const terminal = screen({ columns })
  const line = new Line(terminal, env)
  const due: { atMs: number; call: () => void }[] = []
  const clock = {
    ms: 1000,
    monotonic: () => clock.ms,
    after: (delayMs: number, call: () => void) => {
      const one = { atMs: clock.ms + delayMs, call }
      due.push(one)
      return () => void due.splice(0, due.length, ...due.filter((other) => other !== one))
    },
    /** Lets time pass, and what is due happen. */
    pass(ms: number) {
      const endMs = clock.ms + ms
      while ((due[0]?.atMs ?? Number.POSITIVE_INFINITY) <= endMs) {
        const next = due.shift()
        clock.ms = next?.atMs ?? endMs
        next?.call()
      }
      clock.ms = endMs
    },
  }
  return { terminal, line, clock, teller: makeTeller(line, clock) }
}
const progress = (count: number, more: Partial<Progress> = {}): Progress => ({
  ...{ phase: 'fetch', count, of: 1000, bytes: count * 1024, ofBytes: 1000 * 1024 },
  ...more,
})

describe('U1: the line', () => {
  test('is overwritten, and gone before anything else is printed on either stream', () => {
    const { terminal, line } = at()
    const out = line.before(terminal)
    out.write('first\n')
    line.draw('a long line of progress')
    line.draw('a short one')
    expect(shown(terminal.text)).toEqual(['first', 'a short one'])
    out.write('second\n')
    expect(shown(terminal.text)).toEqual(['first', 'second', ''])
    line.clear()
    out.write('third\n')
    expect(shown(terminal.text)).toEqual(['first', 'second', 'third', ''])
  })

  test('rests at the left edge, one column short of the width, also when that changes', () => {
    let columns = 80
    let text = ''
    const sink = {
      write: (more: string) => {
        text += more
      },
      isTerminal: true,
      get columns() {
        return columns
      },
    }
    const line = new Line(sink, {})
    for (const [width_, rest] of [
      [80, '\u001b[K'],
      [40, '\u001b[K\u001b[J'],
      [120, '\u001b[K'],
      [20, '\u001b[K\u001b[J'],
    ] as const) {
      columns = width_
      text = ''
      line.draw('Fetching: '.repeat(20))
      // Rows below are erased only where the line may have come to stand in several.
      expect(text.endsWith(`\u001b[?7h${rest}\r`)).toBe(true)
      expect(width(shown(text)[0] ?? '')).toBe(columns - 1)
    }
    columns = 10
    text = ''
    line.clear()
    expect(text).toBe('\r\u001b[K\u001b[J')
  })

  test.each([
    ['a pipe', null, {}],
    ['a dumb terminal', { columns: 80 }, { TERM: 'dumb' }],
  ])('%s gets nothing', (_, terminal, env) => {
    const sink = screen(terminal)
    const line = new Line(sink, env)
    line.draw('x')
    line.clear()
    makeTeller(line, { monotonic: () => Number.MAX_SAFE_INTEGER, after: () => () => {} }).tell(progress(1))
    expect(sink.text).toBe('')
  })
})

describe('U1: progress', () => {
  test('of work that is over soon is not seen', () => {
    const { terminal, clock, teller } = at()
    for (let count = 1; count < 1000; count++) {
      clock.ms += (progressAfterMs - 1) / 1000
      teller.tell(progress(count))
    }
    teller.tell(progress(1000))
    teller.end()
    expect(terminal.text).toBe('')
  })

  test('is drawn now and then only, and leaves nothing', () => {
    const { terminal, clock, teller } = at()
    let draws = 0
    for (let count = 1; count < 1000; count++) {
      clock.ms += 10
      const before = terminal.text.length
      teller.tell(progress(count))
      if (terminal.text.length > before) draws++
    }
    expect(draws).toBeGreaterThan(50)
    expect(draws).toBeLessThanOrEqual((10 * 1000) / progressEveryMs)
    expect(shown(terminal.text)).toEqual([
      'Fetching: 987 of 1000 files, 987 KiB of 1000 KiB (98 %), 100 KiB/s',
    ])
    teller.tell(progress(1000))
    expect(shown(terminal.text)).toEqual([''])
  })

  test('a phase begins anew: its rate is its own, and it is not seen before its time', () => {
    const { terminal, clock, teller } = at()
    teller.tell(progress(1))
    clock.ms += 10_000
    teller.tell(progress(500))
    expect(shown(terminal.text)[0]).toContain('500 of 1000 files')
    teller.tell({ phase: 'place', count: 1, of: 500, bytes: 0, ofBytes: 0 })
    clock.ms += 1000
    teller.tell({ phase: 'place', count: 101, of: 500, bytes: 0, ofBytes: 0 })
    expect(shown(terminal.text)).toEqual(['Putting in place: 101 of 500 files, 20 %, 101 files/s'])
    teller.end()
    expect(shown(terminal.text)).toEqual([''])
  })

  test('of what another process does is the time it takes', async () => {
    const { terminal, clock, teller } = at()
    let done = (_: string) => {}
    const work = teller.during('The master works', new Promise<string>((resolve) => (done = resolve)))
    clock.pass(progressAfterMs - 1)
    expect(terminal.text).toBe('')
    clock.pass(3000)
    expect(shown(terminal.text)).toEqual(['The master works: 3.3 s'])
    done('told')
    expect(await work).toBe('told')
    expect(shown(terminal.text)).toEqual([''])
    await expect(teller.during('It', Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  test('fits 80 columns whatever the amounts', () => {
    const amount = fc.nat(10_000_000)
    fc.assert(
      fc.property(amount, amount, fc.nat(2 ** 40), fc.nat(1_000_000), (count, of, ofBytes, ms) => {
        for (const phase of ['check', 'read', 'fetch', 'write'] as const) {
          const words = wordsOf({ phase, count: Math.min(count, of), of, bytes: ofBytes / 2, ofBytes }, ms)
          expect(words).not.toMatch(/NaN|Infinity/)
          const { terminal, line } = at()
          line.draw(words)
          expect(width(shown(terminal.text)[0] ?? '')).toBeLessThan(80)
        }
      }),
    )
  })
})

test('who counts tells sums, and nobody who does not listen', () => {
  const told: Progress[] = []
  const count = counting((one) => told.push(one), 'read', 3, 30)
  count(1, 10)
  count(2, 20)
  expect(told).toEqual([
    { phase: 'read', count: 1, of: 3, bytes: 10, ofBytes: 30 },
    { phase: 'read', count: 3, of: 3, bytes: 30, ofBytes: 30 },
  ])
  counting((one) => told.push(one), 'read', 0)(1)
  counting(undefined, 'read', 3)(1)
  expect(told).toHaveLength(2)
})
