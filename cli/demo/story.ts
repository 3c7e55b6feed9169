/**
 * What the demo tells while it plays: one line a step, with its time and a mark.
 * Always holds: a line is printed when the step has happened and was checked, never before.
 */
import { Fault } from '../../schemas/fault.ts'
import type { Context } from '../context.ts'
import { duration } from '../ui/amount.ts'
import { bold, dim, green } from '../ui/paint.ts'

/** Columns of a line, as 80 columns have room for mark, gaps and time. */
const wordsColumns = 66
const timeColumns = 7
const titleColumns = 58
const timesColumns = 19

export type Step = {
  readonly step: string
  readonly says: string
  /** What the step took, saving and publishing included. */
  readonly ms: number
  /** What was counted, for steps that count. */
  readonly files?: Readonly<Record<string, number>>
}
export type Happened = Pick<Step, 'says' | 'files'>

export class Story {
  readonly steps: Step[] = []
  readonly #context: Context
  readonly #startMs: number

  constructor(context: Context) {
    this.#context = context
    this.#startMs = context.clock.monotonic()
  }

  /** How long the story has been going on. */
  get ms(): number {
    return Math.floor(this.#context.clock.monotonic() - this.#startMs)
  }

  words(text: string): void {
    if (!this.#context.json) this.#context.out.words(text)
  }

  /** @param times what the times below it are of. */
  chapter(title: string, times = ''): void {
    const { out, json } = this.#context
    if (json) return
    out.line()
    if (times === '') out.line(bold(title))
    else out.table(['', ''], [[bold(title.padEnd(titleColumns)), dim(times.padStart(timesColumns))]])
  }

  /**
   * Plays a step, which is timed, and checks it, which is not; then tells what the check says.
   * Fault `demo-failed` names the step.
   */
  async step<T>(step: string, act: () => Promise<T>, check: (did: T) => Promise<Happened>): Promise<void> {
    const { clock, out, json } = this.#context
    try {
      const startMs = clock.monotonic()
      const did = await act()
      const ms = Math.floor(clock.monotonic() - startMs)
      const happened = await check(did)
      this.steps.push({ step, ms, ...happened })
      if (json) return
      const words = happened.says.padEnd(wordsColumns)
      out.table(['', '', ''], [[green(' ✓'), words, dim(duration(ms).padStart(timeColumns))]])
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'demo-failed') throw error
      const passed = this.steps.length
      throw new Fault('demo-failed', `The demo failed in step ${passed + 1} (${step}): ${error.message}`, {
        step,
        passed,
      })
    }
  }
}
