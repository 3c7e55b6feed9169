/**
 * A look into a follower's folder, for commands that only tell. Beside a watcher it is taken without the lock, so that
 * the watcher keeps its link and what it fetches.
 * Always holds: nothing is written; what is told is of one moment. Of a watcher that was at work meanwhile the folder is
 * borrowed, as by any other command.
 */
import type { Disk } from '../../engine/disk/disk.ts'
import { DryDisk } from '../../engine/disk/dry.ts'
import type { Code } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { glancesMax } from '../../schemas/limits-cli.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import { survey } from '../../transport/control/survey.ts'
import type { Context } from '../context.ts'
import { atDesk, type FollowerDesk, inTurn, mustFollow, watchWords } from './desk.ts'

const passing: ReadonlySet<Code> = new Set(['interrupted', 'bad-settings', 'bad-local'])

/** @param work gathers what there is to tell, and may have to begin again: it prints nothing. */
export async function glance<T>(
  context: Context,
  what: string,
  work: (desk: FollowerDesk, local: FollowerLocal) => Promise<T>,
): Promise<T> {
  const { disk, local } = await mustFollow(context)
  const at = (where: Disk) => atDesk(context, where, (desk) => work(desk, local))
  const { owner } = await survey(context.homes.stemmaHome, { ...context, disk })
  const isWatched = owner !== null && owner !== 'mute' && owner.what === watchWords
  const seen = isWatched
    ? await besideOwner(context.homes.stemmaHome, disk, () => at(new DryDisk(disk)))
    : null
  return seen ? seen.got : inTurn(context, what, disk, () => at(disk))
}

/**
 * Looks without the lock of whoever has the folder.
 * @returns null when that one wrote meanwhile, so that nobody knows of which moment it is.
 */
export async function besideOwner<T>(
  stemmaHome: string,
  disk: Disk,
  look: () => Promise<T>,
): Promise<{ readonly got: T } | null> {
  for (let n = 0; n < glancesMax; n++) {
    const before = await stampOf(disk, stemmaHome)
    if (before === null) return null
    try {
      const got = await look()
      if ((await stampOf(disk, stemmaHome)) === before) return { got }
    } catch (error) {
      // What is half written looks damaged: whether it is will show under the lock. What a person wrote is as it is.
      if (!(error instanceof Fault) || passing.has(error.code)) throw error
    }
  }
  return null
}

/**
 * Another one whenever the owner wrote: an apply says so in its records before it touches the home and behind it, and all
 * else that is told lies in these files. Null while an apply is under way.
 */
async function stampOf(disk: Disk, stemmaHome: string): Promise<string | null> {
  const names = ['contact.json', 'local.toml', 'settings.toml']
  for (const folder of ['log', 'apply'])
    for (const { name } of (await disk.list(`${stemmaHome}/${folder}`)) ?? []) names.push(`${folder}/${name}`)
  if (names.includes('apply/journal.json')) return null
  const stats = await Promise.all(names.sort().map((name) => disk.stat(`${stemmaHome}/${name}`)))
  return JSON.stringify(
    stats.map((stat, i) => [names[i], stat && [stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino]]),
  )
}
