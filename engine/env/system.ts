/**
 * The real Clock and Ids.
 * Always holds: what the ports promise (`clock.ts`, `ids.ts`); names are safe in every file system, one that
 * folds case included.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { customAlphabet } from 'nanoid'
import { delayMsMax } from '../../schemas/limits.ts'
import { systemBytes } from '../crypto/random.ts'
import type { Clock } from './clock.ts'
import type { Ids } from './ids.ts'

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

/** Lower case only, so that folding loses nothing: 20 of 36 characters are 103 bits. */
const nextName = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 20)

export const systemIds: Ids = {
  bytes: systemBytes,
  name: () => nextName(),
  fraction: () => systemBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
