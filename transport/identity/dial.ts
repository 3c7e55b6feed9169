/**
 * A TCP connection to an address or a name, before anything is said on it.
 * Always holds: it is there, or there is a Fault, within the time given; nothing is left open when it is not there.
 */
import { connect, type Socket } from 'node:net'
import type { Clock } from '../../engine/env/clock.ts'
import { familyAttemptMinMs, familyAttemptMs } from '../../schemas/limits.ts'
import { connectFault } from './reach.ts'

export type Dialled = Socket
export type DialOptions = {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** The way itself is tried: the name has led to an address, where it is one. */
  readonly trying?: () => void
}

/** @throws Fault `unreachable`, `timed-out`, or the signal's reason. */
export function dial({ host, port, clock, timeoutMs, signal, trying }: DialOptions): Promise<Dialled> {
  if (signal?.aborted) return Promise.reject(signal.reason)
  // However little time there is: an address that leads nowhere leaves some for the next.
  const attemptMs = Math.max(familyAttemptMinMs, Math.min(familyAttemptMs, Math.floor(timeoutMs / 3)))
  const socket = connect({ host, port, autoSelectFamilyAttemptTimeout: attemptMs })
  // Told in the midst of it, when Node cannot bear that the socket is destroyed.
  if (trying) socket.once('connectionAttempt', () => queueMicrotask(trying))
  return new Promise((resolve, reject) => {
    const settle = () => {
      cancel()
      signal?.removeEventListener('abort', aborted)
    }
    const end = (why: unknown) => {
      settle()
      socket.destroy()
      reject(why)
    }
    const fail = (error: unknown) => end(connectFault(error, { host, port }))
    const aborted = () => end(signal?.reason)
    const cancel = clock.after(timeoutMs, () => fail(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })))
    signal?.addEventListener('abort', aborted, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      settle()
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
