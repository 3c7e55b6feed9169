/**
 * A config.toml is merged on a follower, into a file to which Codex and its user added: at a join, and when the
 * canonical text has changed since. In a warm process, and the first call of a fresh one. The floor parses what comes in
 * and what goes out, once each: no merge that proves its result can do with less.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MergeInput, mergeConfig } from '../engine/merge/merge.ts'
import { readToml } from '../engine/toml/toml.ts'
import { isRefusal } from '../schemas/fault.ts'
import { makeConfig } from './config.ts'
import type { Aim, Contender, Contest } from './contest.ts'
import type { Scratch } from './scratch.ts'

/** As many calls as the compiler takes to make up its mind. */
const warmCalls = 300
const floor = 'parse in, parse out'
const cases = ['join', 'update'] as const
type Case = (typeof cases)[number]
const nameOf = (one: Case): string => `mergeConfig at ${one === 'join' ? 'a join' : 'an update'}`

/** What a fresh process is to do, as it stands in a file: to merge, or to parse the texts one after the other. */
export type FirstCall = { readonly merge: MergeInput } | { readonly parse: readonly string[] }
export type Told = { readonly loadMs: number; readonly callMs: number }

export function mergeContests(scratch: Scratch, lines: number, rounds: number): readonly Contest[] {
  const { before, after, local } = makeConfig(lines)
  const inputs: Readonly<Record<Case, MergeInput>> = {
    join: { canonical: before, local, last: null },
    update: { canonical: after, local, last: { canonical: before, standing: [], settled: [], former: [] } },
  }
  const merged = mergePlainly(inputs.update)
  mergePlainly(inputs.join)
  const texts = [after, merged]
  const [into, ofIt] = [after, local].map((text) => text.split('\n').length - 1)
  const shared = { unit: 'ms', better: 'less' as const, beside: floor }
  const what = `${into} lines of config.toml merged into ${ofIt} of a follower`
  return [
    {
      ...shared,
      id: 'merge',
      what: `${what}, in a warm process`,
      rounds: rounds * 5,
      contenders: [
        ...cases.map((one) => warm(nameOf(one), 'ours', () => mergeConfig(inputs[one]))),
        warm(floor, 'floor', () => texts.map((text) => readToml(text))),
      ],
      aims: aimsOf(3),
      notes: [
        'texts in; text, conflicts and the next state out. Parsed for it: the canonical text, the file, and the result,',
        'which is proved to mean what was weighed; at an update the former canonical text too',
      ],
    },
    {
      ...shared,
      id: 'merge-first',
      what: `${what}, the first call of a process`,
      rounds,
      contenders: [
        ...cases.flatMap((one) => fresh(scratch, nameOf(one), { merge: inputs[one] })),
        ...fresh(scratch, floor, { parse: texts }),
      ],
      aims: aimsOf(15),
      notes: [
        'counted: the call, texts to text, in a process that has loaded the modules and run nothing of them; what',
        'loading them took is told beside it and is not in it',
      ],
    },
  ]
}

function mergePlainly(input: MergeInput): string {
  const merged = mergeConfig(input)
  if (isRefusal(merged) || merged.fallback || merged.trouble !== null || merged.conflicts.length > 0)
    throw new Error('the merge of the bench is not the plain one that it is meant to be')
  return merged.text
}

function warm(name: string, role: Contender['role'], act: () => unknown): Contender {
  for (let call = 0; call < warmCalls; call++) act()
  return {
    name,
    role,
    async measure() {
      const began = performance.now()
      act()
      return performance.now() - began
    },
  }
}

const script = fileURLToPath(new URL('./first.js', import.meta.url))

/** The call and, of the same process, the loading before it; of the floor only the call. */
function fresh(scratch: Scratch, name: string, call: FirstCall): Contender[] {
  const file = join(scratch.folder('first'), 'call.json')
  writeFileSync(file, JSON.stringify(call))
  let told: Told = { loadMs: Number.NaN, callMs: Number.NaN }
  const role = 'merge' in call ? 'ours' : 'floor'
  const measure = async () => {
    told = JSON.parse((await scratch.run(process.execPath, [script, file])).stdout)
    return told.callMs
  }
  const loading: Contender = { name: '  not in it: loading', role, measure: async () => told.loadMs }
  return [{ name, role, measure }, ...('merge' in call && call.merge.last ? [loading] : [])]
}

const aimsOf = (most: number): Aim[] =>
  cases.map((one) => ({ side: nameOf(one), most, text: `${nameOf(one)} ≤ ${most} ms` }))
