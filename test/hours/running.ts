/**
 * What the machines of these days have in common: the files that travel, a process that can end in every way, and a count
 * of what happened.
 */
import { Fault } from '../../schemas/fault.ts'
import { PowerCut } from '../sim/disk.ts'

export const names = [
  'AGENTS.md',
  'rules/a.md',
  'rules/b.md',
  'prompts/p.md',
  'skills/one/SKILL.md',
  'skills/two/SKILL.md',
]
/** An edit costs a machine about so many calls of its disk. */
export const strikeCalls = 80

/** What happened, for those who want to know how hard it was. */
export type Tally = {
  edits: number
  published: number
  applied: number
  links: number
  /** Power cuts that came in the middle of work. */
  struck: number
  readonly troubles: Record<Trouble, number>
}
export const troubles = [
  'network lost',
  'sleep',
  'master restart',
  'master power cut',
  'follower restart',
  'follower power cut',
] as const
export type Trouble = (typeof troubles)[number]

/** Also as what made the log give up: it says that its last write may not be durable. */
const isPowerCut = (error: unknown): boolean =>
  error instanceof PowerCut || (error instanceof Fault && error.cause instanceof PowerCut)

/** A process of one machine: ends when it is told to, when the power goes, and never by itself. */
export class Running {
  readonly #end = new AbortController()
  readonly #works: Promise<unknown>[] = []
  /** The power went while it was at work. */
  wasStruck = false

  get signal(): AbortSignal {
    return this.#end.signal
  }

  start(work: Promise<unknown>): void {
    const reported = work.catch((error: unknown) => {
      if (isPowerCut(error)) this.wasStruck ||= !this.signal.aborted
      else if (!this.signal.aborted || error !== this.signal.reason) throw error
    })
    this.#works.push(reported)
    // Thrown where it is awaited.
    reported.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#end.abort(new Fault('interrupted', 'The process ends.'))
    await Promise.all(this.#works)
  }
}
