/**
 * Since when something waits for the end of a session: one number in `<STEMMA_HOME>/apply/staged`.
 * Always holds: it is there only while something waits; a damaged one counts from now.
 */
import { awayBytesMax } from '../../schemas/limits.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import { makeDirs } from '../disk/tree.ts'
import type { Clock } from '../env/clock.ts'
import type { Ids } from '../env/ids.ts'

type Place = {
  readonly disk: Disk
  readonly clock: Clock
  readonly ids: Ids
  readonly stemmaHome: string
}
const folderOf = ({ stemmaHome }: Place) => `${stemmaHome}/apply`
const pathOf = (place: Place) => `${folderOf(place)}/staged`

/** Null for nothing. Never later than now. */
export async function waitingSince(place: Place): Promise<number | null> {
  const bytes = await readFile(place.disk, pathOf(place), awayBytesMax)
  if (bytes === null) return null
  const told = /^[0-9]{1,15}$/.test(bytes.toString()) ? Number(bytes.toString()) : Number.POSITIVE_INFINITY
  return Math.min(told, place.clock.now())
}

/** Remembers when the waiting began, or that it is over. */
export async function noteWaiting(place: Place, waits: boolean): Promise<void> {
  const { disk, ids, clock } = place
  const since = await waitingSince(place)
  if (!waits) {
    if (since !== null) await disk.unlink(pathOf(place))
    return
  }
  if (since !== null && since < clock.now()) return
  await makeDirs(disk, folderOf(place), 0o700)
  await saveFile(disk, ids, pathOf(place), Buffer.from(String(clock.now())), 0o600)
}
