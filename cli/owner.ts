/**
 * A command and the writer lock: either it owns the stemma folder while it works, or it asks the process that does.
 */
import type { Disk } from '../engine/disk/disk.ts'
import { makeDirs } from '../engine/disk/tree.ts'
import type { ControlRequest } from '../schemas/control.ts'
import { Fault } from '../schemas/fault.ts'
import { lockPatienceMs, lockRetryMs } from '../schemas/limits.ts'
import { askOwner } from '../transport/control/ask.ts'
import { acquireLock, type Lock } from '../transport/control/lock.ts'
import type { Context } from './context.ts'

/**
 * Makes the stemma folder where it is missing, and works in it as its only writer.
 * @param what the command, as others are told: `master serve`.
 * @throws Fault `locked` when another process owns the folder.
 */
export async function owning<T>(
  context: Context,
  what: string,
  disk: Disk,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const { homes, clock, ids, pid, uid, signal } = context
  await makeDirs(disk, homes.stemmaHome, 0o700)
  const lock = await acquireLock({ home: homes.stemmaHome, what, disk, clock, ids, pid, uid, signal })
  try {
    return await work(lock)
  } finally {
    await lock.release()
  }
}

/**
 * Tries again while another process has the folder: what is over soon is waited for, not reported.
 * @param pause what to wait until the next attempt, in ms; null gives up. It is told which command has the folder, as
 * far as that says so, and whether those that are over soon would be by now.
 * @throws Fault `locked` of the last attempt.
 */
export async function patiently<T>(
  { clock, signal }: Context,
  attempt: () => Promise<T>,
  pause: (holder: unknown, isLate: boolean) => number | null | Promise<number | null>,
): Promise<T> {
  const until = clock.monotonic() + lockPatienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'locked') throw error
      const pauseMs = await pause(error.facts['what'], clock.monotonic() > until)
      if (pauseMs === null) throw error
      await clock.wait(pauseMs, signal)
    }
  }
}

/** A pause for those who wait for everyone, however they hold the folder: a master that starts takes commands soon. */
export const forAnyone = (_holder: unknown, isLate: boolean): number | null => (isLate ? null : lockRetryMs)

/**
 * What the owner answers; null when nobody owns the folder. Its refusals are thrown as if they were ours.
 * @param timeoutMs how long the answer may take, where it is not a matter of moments.
 */
export async function askRunning(
  context: Context,
  disk: Disk,
  request: ControlRequest,
  timeoutMs?: number,
): Promise<{ readonly ok: unknown } | null> {
  const { homes, clock, uid, signal } = context
  const response = await askOwner(homes.stemmaHome, request, {
    disk,
    clock,
    uid,
    signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  if (response === null || 'ok' in response) return response
  const { code, message, facts } = response.error
  throw code === 'bug' ? new Error(`bug: ${message}`) : new Fault(code, message, facts)
}
