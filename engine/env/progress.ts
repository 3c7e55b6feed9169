/**
 * How far long work has come: facts for whoever shows them.
 * Always holds: the work goes on in the same way whether somebody listens or not.
 */

/** Entries are checked; files are compared, fetched, read, written beside their places, and put into them. */
export type Phase = 'check' | 'compare' | 'fetch' | 'read' | 'write' | 'place'
export type Progress = {
  readonly phase: Phase
  /** Entries or files that are done, of how many. */
  readonly count: number
  readonly of: number
  /** Of files, where their bytes count. */
  readonly bytes: number
  readonly ofBytes: number
}
/** Called for every piece of work: it has to be quick, and must not throw. */
export type OnProgress = (progress: Progress) => void

/** Counts one phase: what it returns is told what was done since it was told last. */
export function counting(
  told: OnProgress | undefined,
  phase: Phase,
  of: number,
  ofBytes = 0,
): (count: number, bytes?: number) => void {
  if (told === undefined || of <= 0) return () => {}
  const sum = { count: 0, bytes: 0 }
  return (count, bytes = 0) => {
    sum.count += count
    sum.bytes += bytes
    told({ phase, of, ofBytes, ...sum })
  }
}
