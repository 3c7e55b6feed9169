/** Work that must end in time: a wait for the other side is always one of these. */
import type { Clock } from '../../engine/env/clock.ts'
import { Fault } from '../../schemas/fault.ts'

export type Patience = { readonly clock: Clock; readonly timeoutMs: number; readonly why: string }

/** Runs `work` under a signal that ends with `signal`, or with a fault `timed-out` that says `why`. */
export async function within<T>(
  { clock, timeoutMs, why }: Patience,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const cancel = clock.after(timeoutMs, () => late.abort(new Fault('timed-out', why)))
  try {
    return await work(AbortSignal.any([signal, late.signal]))
  } finally {
    cancel()
  }
}
