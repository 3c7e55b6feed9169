/**
 * Who lives in a stemma folder, without claiming it: for whoever looks what may be wrong there.
 * Always holds: nothing is made or removed; a socket is only called dead when the system refused the connection.
 */
import { join } from 'node:path'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { controlWho } from '../../schemas/control.ts'
import { lockWhoTimeoutMs } from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import { askSocket } from './ask.ts'
import { checkPlace, findPlace, isClaim, isUnfinished } from './place.ts'

export type Survey = {
  /** Who owns the folder; `mute` when somebody does and does not say who; null for nobody. */
  readonly owner: { readonly pid: number; readonly what: string } | 'mute' | null
  /** Sockets whose process is gone. */
  readonly dead: readonly string[]
}
export const nobody: Survey = { owner: null, dead: [] }

/** @throws Fault `disk-denied` for a folder that is not ours alone. */
export async function survey(
  home: string,
  { disk, clock, uid }: { readonly disk: Disk; readonly clock: Clock; readonly uid: number | null },
): Promise<Survey> {
  const place = await findPlace(disk, home, uid)
  if (place === null) return nobody
  if (place.kind === 'folder' && !(await checkPlace(disk, place.folder, uid))) return nobody
  const sockets =
    place.kind === 'pipe'
      ? [place.pipe]
      : ((await disk.list(place.folder)) ?? [])
          .filter(({ name }) => isClaim(name) || isUnfinished(name))
          .map(({ name }) => join(place.folder, name))
  let owner: Survey['owner'] = null
  const dead: string[] = []
  for (const path of sockets) {
    const asked = await askSocket(path, { cmd: 'who' }, clock, lockWhoTimeoutMs)
    if (asked.kind === 'dead') {
      // A pipe has no name without its process, and one that has just ended took its socket along.
      if (place.kind === 'folder' && (await disk.stat(path)) !== null) dead.push(path)
    } else if (asked.kind === 'mute') owner ??= 'mute'
    else if (asked.kind === 'answered' && 'ok' in asked.response) {
      const { success, output } = v.safeParse(controlWho, asked.response.ok)
      if (success && output.state === 'owner') owner = { pid: output.pid, what: output.what }
    }
  }
  return { owner, dead }
}
