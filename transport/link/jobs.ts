/**
 * The frame of a talk over one wire: its loop, the jobs that run beside it, and an end that leaves nothing running.
 * Always holds: when a job fails, the loop ends with its fault; when the loop ends, every job is ended and awaited.
 */
import type { Wire } from '../../engine/env/wire.ts'
import { Fault } from '../../schemas/fault.ts'
import { closeFault, closeOf } from './close.ts'

export type Jobs = {
  /** Ends with the caller's signal, or with the first job that fails. */
  readonly signal: AbortSignal
  /** Runs beside the loop. */
  start(job: Promise<unknown>): void
  /** Runs after the jobs that were queued before it. */
  queue(job: () => Promise<unknown>): void
}

/** Runs a talk to its end and closes the wire with the reason. */
export async function converse(
  wire: Wire,
  stopped: AbortSignal,
  talk: (jobs: Jobs) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([stopped, failed.signal])
  const running = new Set<Promise<unknown>>()
  let last: Promise<unknown> = Promise.resolve()
  const start = (job: Promise<unknown>) => {
    const kept = job.catch((error: unknown) => failed.abort(error)).finally(() => running.delete(kept))
    running.add(kept)
  }
  const queue = (job: () => Promise<unknown>) => {
    last = last.then(job)
    start(last)
  }
  let end: { readonly error: unknown } | null = null
  try {
    await talk({ signal, start, queue })
  } catch (error) {
    end = { error: failed.signal.aborted ? failed.signal.reason : error }
  }
  failed.abort(new Fault('unreachable', 'The link ended.'))
  const { code, why } = end ? closeOf(end.error) : { code: 'gone' as const, why: 'done' }
  wire.close(code, why)
  await Promise.all(running)
  if (end) throw end.error
}

/**
 * Waits for something that is not a message: the end of the wire, which nobody would notice then, ends the wait.
 * What came before that end is lost with it.
 */
export async function besides<T>(
  wire: Wire,
  signal: AbortSignal,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  void wire.closed.then((end) => ended.abort(closeFault(end)))
  return wait(AbortSignal.any([signal, ended.signal]))
}
