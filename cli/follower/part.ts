/**
 * Parting from a master: what `follower leave` and `trust reset` share.
 * Always holds: the Codex home is not touched and the keys stay, so this machine keeps its identity; the pin goes
 * last, so a command that was cut off can be run again.
 */

import { dropAway } from '../../engine/away.ts'
import { dropCard } from '../../engine/card.ts'
import { removeTree } from '../../engine/disk/tree.ts'
import { settleEvidence } from '../../engine/evidence.ts'
import type { FollowerDesk } from './desk.ts'

/** Forgets the log, the floor that it set, and the pin; evidence is kept under another name. */
export async function part(desk: FollowerDesk): Promise<void> {
  const { disk, follower, context } = desk
  const { stemmaHome } = context.homes
  await follower.forget()
  await settleEvidence(disk, stemmaHome)
  await removeTree(disk, `${stemmaHome}/contact.json`)
  // Without its card the session hook has nobody to ask.
  await dropCard(disk, stemmaHome)
  await dropAway(disk, stemmaHome)
  await removeTree(disk, `${stemmaHome}/local.toml`)
  await disk.syncDir(stemmaHome)
}
