/** The real Clock, apart from the real Ids, whose randomness takes longer to load than the session hook may run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { delayMsMax } from '../../schemas/limits.ts'
import type { Clock } from './clock.ts'

export const systemClock: Clock = clockBy(() => performance.now())

/** @param monotonic milliseconds since some moment. */
export function clockBy(monotonic: () => number): Clock {
  return {
    now: () => Date.now(),
    monotonic,
    async wait(delayMs, signal) {
      const end = monotonic() + delayMs
      try {
        // A timer may fire a little early, and none reaches beyond `delayMsMax`.
        for (let left = delayMs; ; left = end - monotonic()) {
          await sleep(Math.min(Math.max(0, Math.ceil(left)), delayMsMax), undefined, signal ? { signal } : {})
          if (monotonic() >= end) break
        }
        signal?.throwIfAborted()
      } catch (error) {
        // Node wraps the reason in an AbortError of its own.
        signal?.throwIfAborted()
        throw error
      }
    },
    after(delayMs, call) {
      const end = monotonic() + delayMs
      let timer: NodeJS.Timeout
      const arm = () => {
        const left = Math.max(0, end - monotonic())
        timer = left > delayMsMax ? setTimeout(arm, delayMsMax) : setTimeout(call, left)
        timer.unref()
      }
      arm()
      return () => clearTimeout(timer)
    },
  }
}
