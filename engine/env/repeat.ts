/**
 * Work that is done again and again beside other work, each time a while after the last.
 * Always holds: it never runs twice at one time; once `stop` settles it is not running and will not.
 */
import type { Clock } from './clock.ts'

export type Repeated = { stop(): Promise<void> }

/** @param onFault what it threw; it is not repeated then. */
export function repeat(
  clock: Clock,
  everyMs: number,
  work: () => Promise<unknown>,
  onFault: (error: unknown) => void,
): Repeated {
  let cancel = () => {}
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  const arm = () => {
    if (stopped) return
    cancel = clock.after(everyMs, () => {
      running = work().then(arm, onFault)
    })
  }
  arm()
  return {
    stop() {
      stopped = true
      cancel()
      return running
    },
  }
}
