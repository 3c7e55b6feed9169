/**
 * Patience with Windows, where a virus scanner or a running Codex may hold a file open for a moment.
 * Always holds: at most `busyRetriesMax` retries within `busyTotalMs`, each pause jittered so that two
 * processes do not meet again and again; anything but "busy" fails at once.
 */
import { busyRetriesMax, busyTotalMs } from '../../schemas/limits.ts'
import type { Clock } from '../env/clock.ts'
import type { Ids } from '../env/ids.ts'
import { errnoOf } from './errno.ts'

const passing: ReadonlySet<string> = new Set(['EBUSY', 'EPERM', 'EACCES'])

/**
 * Runs `attempt` until it does not fail as busy.
 * @param hopeless says that waiting cannot help (the target is a folder): then the first failure stands.
 */
export async function whileBusy(
  clock: Clock,
  ids: Pick<Ids, 'fraction'>,
  attempt: () => Promise<void>,
  hopeless: () => Promise<boolean>,
): Promise<void> {
  const end = clock.monotonic() + busyTotalMs
  for (let retry = 1; ; retry++) {
    try {
      return await attempt()
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === null || !passing.has(errno) || retry > busyRetriesMax || (await hopeless())) throw error
      // The mean pause grows so that all retries together fill the time allowed.
      const pauseMs =
        (2 * busyTotalMs * retry * (0.5 + ids.fraction())) / (busyRetriesMax * (busyRetriesMax + 1))
      if (clock.monotonic() + pauseMs > end) throw error
      await clock.wait(pauseMs)
    }
  }
}
