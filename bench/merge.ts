/**
 * A config.toml is merged on a follower: canonical text that changed, into a file to which Codex and its user added.
 * In a warm process, and the first call of a fresh one. The floor parses what comes in and what goes out, once each:
 * no merge that proves its result can do with less.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Last, mergeConfig } from '../engine/merge/merge.ts'
import { readToml } from '../engine/toml/toml.ts'
import { isRefusal } from '../schemas/fault.ts'
import { makeConfig } from './config.ts'
import type { Contender, Contest } from './contest.ts'
import type { Scratch } from './scratch.ts'

/** As many calls as the compiler takes to make up its mind. */
const warmCalls = 300

export function mergeContests(scratch: Scratch, lines: number, rounds: number): readonly Contest[] {
  const { input, merged } = caseOf(lines)
  const file = join(scratch.folder('merge'), 'case.json')
  writeFileSync(file, JSON.stringify({ input, merged }))
  const merge = () => mergeConfig(input)
  const parse = () => [readToml(input.canonical), readToml(merged)]
  const warm = (act: () => unknown) => {
    for (let call = 0; call < warmCalls; call++) act()
    return async () => timed(act)
  }
  const [lineCount, localCount] = [input.canonical, input.local].map((text) => text.split('\n').length - 1)
  const what = `${lineCount} lines of config.toml merged into ${localCount} of a follower`
  return [
    {
      id: 'merge',
      what: `${what}, in a warm process`,
      unit: 'ms',
      better: 'less',
      rounds: rounds * 5,
      contenders: [
        { name: 'mergeConfig', role: 'ours', measure: warm(merge) },
        { name: 'parse in, parse out', role: 'floor', measure: warm(parse) },
      ],
      aims: [{ side: 'mergeConfig', most: 3, text: 'mergeConfig ≤ 3 ms' }],
      notes: [
        'texts in, text, conflicts and the next state out; smol-toml reads four texts in it: canonical, the former',
        'one, the file, and the result, which is proved to mean what was weighed',
      ],
    },
    {
      id: 'merge-first',
      what: `${what}, the first call of a process`,
      unit: 'ms',
      better: 'less',
      rounds,
      contenders: [
        ...firstMerge(scratch, file),
        {
          name: 'parse in, parse out',
          role: 'floor',
          measure: async () => (await run(scratch, 'parse', file)).callMs,
        },
      ],
      aims: [{ side: 'mergeConfig', most: 15, text: 'mergeConfig ≤ 15 ms' }],
      notes: [
        'counted: the call, from texts to text, in a process that has loaded the modules and run nothing of them;',
        'what loading them took is told beside it and not in it',
      ],
    },
  ]
}

const timed = (act: () => unknown): number => {
  const began = performance.now()
  act()
  return performance.now() - began
}

export type MergeCase = {
  readonly input: { readonly canonical: string; readonly local: string; readonly last: Last }
  readonly merged: string
}

function caseOf(lines: number): MergeCase {
  const { before, after, local } = makeConfig(lines)
  const input = {
    canonical: after,
    local,
    last: { canonical: before, standing: [], settled: [], former: [] },
  }
  const merged = mergeConfig(input)
  if (isRefusal(merged) || merged.fallback || merged.trouble !== null || merged.conflicts.length > 0)
    throw new Error('the merge of the bench is not the plain one that it is meant to be')
  return { input, merged: merged.text }
}

const first = fileURLToPath(new URL('./first.js', import.meta.url))

type Told = { readonly loadMs: number; readonly callMs: number }
const run = async (scratch: Scratch, act: 'merge' | 'parse', file: string): Promise<Told> =>
  JSON.parse((await scratch.run(process.execPath, [first, act, file])).stdout)

/** The call, and beside it what loading took in that same process. */
function firstMerge(scratch: Scratch, file: string): Contender[] {
  let told: Told | null = null
  return [
    {
      name: 'mergeConfig',
      role: 'ours',
      async measure() {
        told = await run(scratch, 'merge', file)
        return told.callMs
      },
    },
    {
      name: '  not in it: its modules loaded',
      role: 'ours',
      measure: async () => told?.loadMs ?? Number.NaN,
    },
  ]
}
