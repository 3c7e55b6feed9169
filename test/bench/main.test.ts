/** The bench runs, says what it declares, and leaves nothing behind. What it measures is no matter of a test. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contest } from '../../bench/contest.ts'
import { report } from '../../bench/report.ts'
import { v } from '../../schemas/shape.ts'
import { builtFile } from '../e2e/machine.ts'

let folder: string

/** Some hundred processes one after the other: seconds, or minutes where everything else runs too. */
const quickTimeoutMs = 240_000

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stemma-bench-test-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function bench(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [builtFile('bench', 'main.js'), ...args], { env }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    )
  })
}

test(
  'Q6: every figure stands beside a floor or a peer, in the declared shape; nothing is left behind',
  async () => {
    const told = v.parse(report, JSON.parse(await bench('--quick', '--json', '--seed', '7')))
    expect(told.seed).toBe(7)
    const ids = told.figures.map(({ id }) => id)
    const sync = ['append', 'verify', 'join', 'edit', 'level', 'rescan', 'publish']
    const session = process.platform === 'win32' ? [] : ['hook', 'shim', 'run', 'end']
    const idle = (suffix: string) =>
      process.platform === 'linux' ? [`idle${suffix}`, `memory${suffix}`] : []
    const watch = [...idle(''), 'watch', ...idle('-large'), 'watch-large']
    const crowd = process.platform === 'linux' ? ['crowd', 'crowd-memory'] : []
    const peak = process.platform === 'linux' ? ['long-memory'] : []
    const long = ['long-start', 'long-behind', 'long-lately', ...peak]
    expect(ids).toEqual([...sync, ...session, 'merge', 'merge-first', ...watch, 'storm', ...crowd, ...long])
    for (const { id, sides, ratios, rounds } of told.figures) {
      expect(sides[0]?.role, id).toBe('ours')
      expect(
        sides.some(({ role }) => role !== 'ours'),
        id,
      ).toBe(true)
      const names = sides.map(({ name }) => name)
      const ours = sides.flatMap(({ name, role }) => (role === 'ours' ? [name] : []))
      const floor = sides.find(({ role }) => role === 'floor')?.name
      const first = names.slice(1).map((name) => [names[0], name])
      const each = ours.map((name) => [name, floor])
      expect([first, each], id).toContainEqual(ratios.map(({ of, to }) => [of, to]))
      for (const side of sides) expect(side.values.length, `${id}: ${side.name}`).toBe(rounds)
    }
    expect(readdirSync(folder)).toEqual([])
  },
  quickTimeoutMs,
)

test('Q6: the table has a line for each side', async () => {
  const lines = (await bench('--quick', '--only', 'verify')).split('\n')
  expect(lines.filter((line) => /^ {2}(?:stemma|read and SHA-256)/.test(line)).length).toBe(4)
})

test('words that make no sense are answered with the usage, and nothing is measured', async () => {
  for (const words of [['--only', 'nothing'], ['--rounds', '0'], ['--seed', 'x'], ['--what']])
    await expect(bench(...words), words.join(' ')).rejects.toMatchObject({ code: 2 })
})

test('sides take turns, the first round does not count, a ratio divides values of one round', async () => {
  const turns: string[] = []
  const side = (name: string, of: (round: number) => number) => ({
    name,
    role: 'peer' as const,
    measure: async (round: number) => {
      turns.push(`${name}${round}`)
      return of(round)
    },
  })
  const figure = await contest({
    id: 'x',
    what: 'x',
    unit: 'ms',
    better: 'less',
    rounds: 3,
    contenders: [
      side('a', (round) => 6 * round),
      { name: 'c', why: 'not here' },
      side('b', (round) => 3 + round),
    ],
    aims: [
      { side: 'a', to: 'b', most: 2.4, text: 'reached' },
      { side: 'a', most: 11, text: 'missed' },
      { side: 'a', to: 'c', most: 1, text: 'not judged' },
    ],
  })
  expect(turns).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3'])
  expect(figure.sides.map(({ values }) => values)).toEqual([
    [6, 12, 18],
    [4, 5, 6],
  ])
  expect(figure.ratios).toEqual([{ of: 'a', to: 'b', median: 2.4, min: 1.5, max: 3 }])
  expect(figure.goals.map(({ met }) => met)).toEqual([true, false, null])
  expect(figure.skipped).toEqual([{ name: 'c', why: 'not here' }])
})
