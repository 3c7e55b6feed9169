/**
 * The bench: every figure beside its floor or peer, in the same interleaved run. See README.md.
 * Always holds: standard output has the table or, with `--json`, one object; what goes on is told on standard
 * error; the scratch folder and every process of the run are gone at the end, however it ends.
 */
import { parseArgs } from 'node:util'
import { appendContest } from './append.ts'
import { type Contest, contest } from './contest.ts'
import { crowdFigures } from './crowd.ts'
import { editContests } from './edit.ts'
import { hookContests } from './hook.ts'
import { joinContest } from './join.ts'
import { type LongPlan, longFigures } from './long.ts'
import { describeMachine } from './machine.ts'
import { mergeContests } from './merge.ts'
import type { Figure, Report } from './report.ts'
import { publishFigure, rescanContest } from './rescan.ts'
import { Scratch } from './scratch.ts'
import { stormContest } from './storm.ts'
import { table } from './table.ts'
import { verifyContest } from './verify.ts'
import { watchContests } from './watch.ts'

type Sizes = {
  readonly rounds: number
  readonly appendBatches: number
  readonly verifyBatches: number
  readonly home: { readonly files: number; readonly bytes: number }
  readonly large: { readonly files: number; readonly bytes: number }
  readonly storm: { readonly files: number; readonly bytes: number }
  readonly edits: number
  readonly configLines: number
  readonly idleMs: number
  readonly crowd: number
  readonly long: LongPlan
  /** What takes milliseconds is done so many times as often. */
  readonly patience: number
}
const full: Sizes = {
  rounds: 7,
  appendBatches: 20,
  verifyBatches: 100,
  home: { files: 540, bytes: 12_000_000 },
  large: { files: 10_000, bytes: 30_000_000 },
  storm: { files: 2_000, bytes: 8_000_000 },
  edits: 30,
  configLines: 500,
  idleMs: 60_000,
  crowd: 100,
  long: { entries: 1_000_000, lately: 30_000 },
  patience: 3,
}
/** Shows that every figure can be made; its values mean nothing. */
const tiny: Sizes = {
  rounds: 1,
  appendBatches: 2,
  verifyBatches: 2,
  home: { files: 24, bytes: 60_000 },
  large: { files: 60, bytes: 60_000 },
  storm: { files: 30, bytes: 60_000 },
  edits: 2,
  configLines: 100,
  idleMs: 2_500,
  crowd: 3,
  long: { entries: 300, lately: 50 },
  patience: 1,
}

const kinds = [
  'append',
  'verify',
  'join',
  'edit',
  'rescan',
  'hook',
  'merge',
  'watch',
  'storm',
  'crowd',
  'long',
] as const
type Kind = (typeof kinds)[number]
const isKind = (word: string): word is Kind => kinds.some((kind) => kind === word)

const usage = `usage: npm run bench -- [--json] [--quick] [--only ${kinds.join(',')}] [--rounds N] [--seed N]`

async function figuresOf(kind: Kind, scratch: Scratch, seed: number, sizes: Sizes): Promise<Figure[]> {
  const { rounds, home, large, edits } = sizes
  const run = async (...contests: readonly Contest[]) => {
    const out: Figure[] = []
    for (const one of contests) {
      process.stderr.write(`${one.id}: ${one.what}\n`)
      out.push(await contest(one))
    }
    return out
  }
  switch (kind) {
    case 'append':
      return run(await appendContest(scratch, seed, sizes.appendBatches, rounds))
    case 'verify':
      return run(await verifyContest(scratch, seed, sizes.verifyBatches, rounds))
    case 'join':
      return run(await joinContest(scratch, seed, home, rounds))
    case 'edit':
      return run(...(await editContests(scratch, seed, home, rounds)))
    case 'rescan':
      return [
        ...(await run(await rescanContest(scratch, seed, large, rounds))),
        await publishFigure(scratch, seed, large, edits),
      ]
    case 'hook':
      return run(...(await hookContests(scratch, rounds * sizes.patience)))
    case 'merge':
      return run(...mergeContests(scratch, sizes.configLines, rounds * sizes.patience))
    case 'storm':
      return run(await stormContest(scratch, seed, sizes.storm, rounds))
    case 'crowd':
      process.stderr.write(`crowd: ${sizes.crowd} followers\n`)
      return [...(await crowdFigures(scratch, seed, home, sizes.crowd, rounds))]
    case 'long':
      process.stderr.write(`long: ${sizes.long.entries} entries\n`)
      return [...(await longFigures(scratch, seed, home, sizes.long, rounds))]
    case 'watch': {
      const out: Figure[] = []
      for (const amount of [home, large]) {
        const isLarge = amount === large
        const [idle, latency] = await watchContests(scratch, seed, amount, {
          edits,
          idleMs: sizes.idleMs,
          isLarge,
        })
        out.push(...idle, ...(await run(latency)))
      }
      return out
    }
  }
}

/** Nobody is held to a goal by sizes that mean nothing. */
const unjudged = (figure: Figure): Figure => ({
  ...figure,
  goals: figure.goals.map(({ text }) => ({ text, met: null })),
})

type Wishes = {
  readonly json: boolean
  readonly quick: boolean
  readonly kinds: readonly Kind[]
  readonly sizes: Sizes
  readonly seed: number
}

/** What the words ask for; null when they make no sense. */
function readWords(): Wishes | null {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: kinds.join(',') },
        rounds: { type: 'string' },
        seed: { type: 'string', default: '1' },
      },
    })
    const chosen = values.only.split(',')
    const sizes = values.quick ? tiny : full
    const rounds = Number(values.rounds ?? sizes.rounds)
    const seed = Number(values.seed)
    const sound = Number.isSafeInteger(rounds) && rounds >= 1 && Number.isSafeInteger(seed)
    if (!sound || !chosen.every(isKind)) return null
    return { json: values.json, quick: values.quick, kinds: chosen, sizes: { ...sizes, rounds }, seed }
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

async function main({ json, quick, kinds: chosen, sizes, seed }: Wishes): Promise<void> {
  const scratch = new Scratch()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => void scratch.remove().finally(() => process.exit(1)))
  try {
    const machine = describeMachine(scratch)
    const figures: Figure[] = []
    for (const kind of chosen) figures.push(...(await figuresOf(kind, scratch, seed, sizes)))
    const report: Report = { machine, seed, quick, figures: quick ? figures.map(unjudged) : figures }
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : table(report))
  } finally {
    await scratch.remove()
  }
}

const wishes = readWords()
if (wishes) await main(wishes)
else {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
}
