/**
 * Long work, told to the person who waits for it, in one line: what, how much of how much, and how fast.
 * Always holds: work that is over within `progressAfterMs` is not seen; however often it is told, no more than one line
 * in `progressEveryMs` is drawn; a phase that is done takes its line with it.
 */
import type { Clock } from '../../engine/env/clock.ts'
import type { OnProgress, Phase, Progress } from '../../engine/env/progress.ts'
import { progressAfterMs, progressEveryMs } from '../../schemas/limits.ts'
import { counted, duration, size } from './amount.ts'
import type { Line } from './line.ts'

const names = {
  check: { verb: 'Verifying', noun: 'entry', many: 'entries' },
  compare: { verb: 'Comparing', noun: 'file', many: 'files' },
  fetch: { verb: 'Fetching', noun: 'file', many: 'files' },
  read: { verb: 'Reading', noun: 'file', many: 'files' },
  write: { verb: 'Writing', noun: 'file', many: 'files' },
  place: { verb: 'Putting in place', noun: 'file', many: 'files' },
} as const satisfies Record<Phase, { verb: string; noun: string; many: string }>

export type Teller = {
  readonly tell: OnProgress
  /** What was under way is over, done or not. */
  readonly end: () => void
  /** Work that another process does: all that is known of it is how long it takes. */
  readonly during: <T>(words: string, work: Promise<T>) => Promise<T>
}

/** @param line where it is shown; undefined shows nothing. */
export function makeTeller(line: Line | undefined, clock: Pick<Clock, 'monotonic' | 'after'>): Teller {
  if (!line?.isAble) return { tell: () => {}, end: () => {}, during: (_, work) => work }
  let current: { readonly phase: Phase; readonly of: number; readonly startMs: number } | null = null
  let nextMs = 0
  const end = () => {
    current = null
    line.clear()
  }
  const tell = (progress: Progress) => {
    const nowMs = clock.monotonic()
    if (current?.phase !== progress.phase || current.of !== progress.of) {
      current = { phase: progress.phase, of: progress.of, startMs: nowMs }
      nextMs = nowMs + progressAfterMs
    }
    if (progress.count >= progress.of) return end()
    if (nowMs < nextMs) return
    nextMs = nowMs + progressEveryMs
    line.draw(wordsOf(progress, nowMs - current.startMs))
  }
  const during = async <T>(words: string, work: Promise<T>): Promise<T> => {
    const startMs = clock.monotonic()
    let cancel = () => {}
    const arm = (delayMs: number) => {
      cancel = clock.after(delayMs, () => {
        line.draw(`${words}: ${duration(clock.monotonic() - startMs)}`)
        arm(progressEveryMs)
      })
    }
    arm(progressAfterMs)
    try {
      return await work
    } finally {
      cancel()
      end()
    }
  }
  return { tell, end, during }
}

/** `Fetching: 1234 of 10000 files, 12 MiB of 96 MiB (12 %), 8.1 MiB/s`. */
export function wordsOf({ phase, count, of, bytes, ofBytes }: Progress, ms: number): string {
  const { verb, noun, many } = names[phase]
  const share = Math.floor((ofBytes > 0 ? bytes / ofBytes : count / of) * 100)
  const perSecond = (amount: number) => Math.floor((amount * 1000) / Math.max(1, ms))
  const parts =
    ofBytes > 0
      ? [`${size(bytes)} of ${size(ofBytes)} (${Math.min(share, 100)} %)`, `${size(perSecond(bytes))}/s`]
      : [`${Math.min(share, 100)} %`, `${counted(perSecond(count), noun, many)}/s`]
  return [`${verb}: ${count} of ${counted(of, noun, many)}`, ...parts].join(', ')
}
