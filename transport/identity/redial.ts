/**
 * A connection to somebody who may be out of reach: a connect is begun anew again and again while the earlier ones
 * still wait for their answer. TCP repeats a lost packet after a second and then ever later; so what was sent just
 * before the network came back would decide when that is noticed.
 * Always holds: the first that is there wins, and nothing is left open beside it, or when there is none; what refuses
 * one ends all of them.
 */
import { type Dialled, type DialOptions, dial } from './dial.ts'

export type RedialOptions = DialOptions & {
  /** For all connects together, as `timeoutMs` is. */
  readonly signal: AbortSignal
  /** How long after one the next is begun. Not before its name is found: the system's question cannot be taken back. */
  readonly everyMs: number
}

/** @throws Fault `unreachable`, `timed-out`, or the signal's reason. */
export function redial(
  { everyMs, signal, timeoutMs, ...to }: RedialOptions,
  connect: typeof dial = dial,
): Promise<Dialled> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { clock } = to
  const endMs = clock.monotonic() + timeoutMs
  const over = new AbortController()
  return new Promise((resolve, reject) => {
    let cancel = () => {}
    const settle = () => {
      cancel()
      signal.removeEventListener('abort', aborted)
      over.abort()
    }
    const fail = (error: unknown) => {
      settle()
      reject(error)
    }
    const aborted = () => fail(signal.reason)
    const win = (socket: Dialled) => {
      // Two may be there at one moment.
      if (over.signal.aborted) return void socket.destroy()
      settle()
      resolve(socket)
    }
    const trying = () => {
      if (!over.signal.aborted) cancel = clock.after(everyMs, begin)
    }
    const begin = () => {
      const leftMs = endMs - clock.monotonic()
      connect({ ...to, timeoutMs: leftMs, signal: over.signal, trying }).then(win, fail)
    }
    signal.addEventListener('abort', aborted, { once: true })
    begin()
  })
}
