/**
 * The process that keeps a live link to the master, in `<STEMMA_HOME>/watching`: its number, and until when its word
 * counts. While it does, whoever starts a session need not ask the master anything (S52).
 * Always holds: it is a hint, written without a sync; one whose process is gone, or whose time is over, means nothing,
 * so that a number which another process has by now misleads nobody for longer than `watchingMs`.
 */
import { awayBytesMax, watchingMs } from '../schemas/limits.ts'
import type { Disk } from './disk/disk.ts'
import { readFile, saveHint } from './disk/save.ts'
import type { Clock } from './env/clock.ts'

type Place = { readonly disk: Disk; readonly clock: Clock; readonly stemmaHome: string }

const pathOf = (stemmaHome: string) => `${stemmaHome}/watching`

/** Its number; null when nobody is known to be level with the master now. */
export async function loadWatching(place: Place): Promise<number | null> {
  const word = await readWatching(place)
  const leftMs = (word?.untilMs ?? 0) - place.clock.now()
  return word !== null && leftMs > 0 && leftMs <= watchingMs ? word.pid : null
}

export type WatchingWord = { readonly pid: number; readonly untilMs: number }

/** What was said last, whether or not it still counts; null for nothing. */
export async function readWatching({
  disk,
  stemmaHome,
}: Pick<Place, 'disk' | 'stemmaHome'>): Promise<WatchingWord | null> {
  const bytes = await readFile(disk, pathOf(stemmaHome), awayBytesMax)
  const [, pid, untilMs] = /^([0-9]{1,10}) ([0-9]{1,15})$/.exec(bytes?.toString() ?? '') ?? []
  return pid === undefined ? null : { pid: Number(pid), untilMs: Number(untilMs) }
}

/** This process is level with the master, and hears of every change. */
export const noteWatching = ({ disk, clock, stemmaHome }: Place, pid: number): Promise<void> =>
  saveHint(disk, pathOf(stemmaHome), `${pid} ${clock.now() + watchingMs}`)

export const dropWatching = ({ disk, stemmaHome }: Pick<Place, 'disk' | 'stemmaHome'>): Promise<boolean> =>
  disk.unlink(pathOf(stemmaHome))
