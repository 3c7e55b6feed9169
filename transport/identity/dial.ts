/**
 * A TCP connection to an address or a name, before anything is said on it.
 * Always holds: it is there, or there is a Fault, within the time given.
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
}

/** @throws Fault `unreachable`, `timed-out`. */
export function dial({ host, port, clock, timeoutMs }: DialOptions): Promise<Dialled> {
  // However little time there is: an address that leads nowhere leaves some for the next.
  const attemptMs = Math.max(familyAttemptMinMs, Math.min(familyAttemptMs, Math.floor(timeoutMs / 3)))
  const socket = connect({ host, port, autoSelectFamilyAttemptTimeout: attemptMs })
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      cancel()
      socket.destroy()
      reject(connectFault(error, { host, port }))
    }
    const cancel = clock.after(timeoutMs, () => fail(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })))
    socket.once('error', fail)
    socket.once('connect', () => {
      cancel()
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
