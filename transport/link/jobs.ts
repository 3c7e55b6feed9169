/**
 * The frame of a talk over one wire: its loop, the jobs that run beside it, and an end that leaves nothing running.
 * Always holds: when a job fails, the loop ends with its fault; when the loop ends, every job is ended and awaited.
 */
import type { Wire } from '../../engine/env/wire.ts'
import { Fault } from '../../schemas/fault.ts'

export type Jobs = {
  /** Ends with the wire, with the caller's signal, or with the first job that fails. */
  readonly signal: AbortSignal
  /** Runs beside the loop. */
  start(job: Promise<unknown>): void
  /** Runs after the jobs that were queued before it. */
  queue(job: () => Promise<unknown>): void
}

/** Runs a talk to its end and closes the wire with the reason. */
export async function converse(wire: Wire, stopped: AbortSignal, talk: (jobs: Jobs) => Promise<void>): Promise<void> {
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
  const code = end?.error instanceof Fault ? end.error : null
  wire.close(code?.code ?? 'gone', code?.message ?? 'done')
  await Promise.all(running)
  if (end) throw end.error
}
