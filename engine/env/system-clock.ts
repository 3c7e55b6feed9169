/** The real Clock, apart from the real Ids, whose randomness takes longer to load than the session hook may run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { delayMsMax } from '../../schemas/limits.ts'
import type { Clock } from './clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async wait(delayMs, signal) {
    const end = performance.now() + delayMs
    try {
      // A timer may fire a little early, and none reaches beyond `delayMsMax`.
      for (let left = delayMs; ; left = end - performance.now()) {
        await sleep(Math.min(Math.max(0, Math.ceil(left)), delayMsMax), undefined, signal ? { signal } : {})
        if (performance.now() >= end) break
      }
      signal?.throwIfAborted()
    } catch (error) {
      // Node wraps the reason in an AbortError of its own.
      signal?.throwIfAborted()
      throw error
    }
  },
  after(delayMs, call) {
    const end = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const arm = () => {
      const left = Math.max(0, end - performance.now())
      timer = left > delayMsMax ? setTimeout(arm, delayMsMax) : setTimeout(call, left)
      timer.unref()
    }
    arm()
    return () => clearTimeout(timer)
  },
}
