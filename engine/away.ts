/**
 * The moment until which nobody waits for a master that was not reachable (S51), in one tiny file of its own.
 * Always holds: it is a hint. It is written without a sync, since losing it costs one more attempt, and one that says
 * more than a minute ahead (the clock was set back) counts as over.
 */
import { awayBytesMax, hookAwayMs } from '../schemas/limits.ts'
import type { Disk } from './disk/disk.ts'
import { readFile, saveHint } from './disk/save.ts'
import type { Clock } from './env/clock.ts'

const pathOf = (stemmaHome: string) => `${stemmaHome}/away`

/** `over`: it was away, and it is time that somebody asks again. */
export async function loadAway(
  disk: Disk,
  clock: Clock,
  stemmaHome: string,
): Promise<'no' | 'away' | 'over'> {
  const bytes = await readFile(disk, pathOf(stemmaHome), awayBytesMax)
  if (bytes === null) return 'no'
  const leftMs = Number(bytes.toString()) - clock.now()
  return leftMs > 0 && leftMs <= hookAwayMs ? 'away' : 'over'
}

/** When the session hook last found the master away; null when it did not, or has reached it since. */
export async function lastAway(disk: Disk, clock: Clock, stemmaHome: string): Promise<number | null> {
  const bytes = await readFile(disk, pathOf(stemmaHome), awayBytesMax)
  const triedMs = bytes === null ? Number.NaN : Number(bytes.toString()) - hookAwayMs
  return Number.isSafeInteger(triedMs) && triedMs >= 0 ? Math.min(triedMs, clock.now()) : null
}

/** The master was not reachable just now. */
export const noteAway = (disk: Disk, clock: Clock, stemmaHome: string): Promise<void> =>
  saveHint(disk, pathOf(stemmaHome), String(clock.now() + hookAwayMs))

export const dropAway = (disk: Disk, stemmaHome: string): Promise<boolean> => disk.unlink(pathOf(stemmaHome))
