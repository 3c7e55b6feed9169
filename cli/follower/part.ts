/**
 * Parting from a master: what `follower leave` and `trust reset` share.
 * Always holds: whatever is damaged, it works, and what is damaged and may be the only copy of something is kept under
 * another name; the Codex home is not touched, and sound keys stay, so this machine keeps its identity; the pin goes last,
 * so a command that was cut off can be run again.
 */

import { Applier } from '../../engine/apply/applier.ts'
import { forgetDamaged } from '../../engine/aside.ts'
import { dropAway } from '../../engine/away.ts'
import { Blobs } from '../../engine/blobs/blobs.ts'
import { dropCard } from '../../engine/card.ts'
import { loadTrail } from '../../engine/compose/records.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { removeTree } from '../../engine/disk/tree.ts'
import { settleEvidence } from '../../engine/evidence.ts'
import { type FollowerKeys, loadFollowerKeys } from '../../engine/keys/keys.ts'
import { codes, exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import type { Context } from '../context.ts'
import { atDesk, type FollowerDesk, inTurn, mustFollow } from './desk.ts'

/** A folder to part with. */
export type Parting = {
  readonly context: Context
  readonly disk: Disk
  /** Null where log or keys are damaged. */
  readonly desk: FollowerDesk | null
  /** Null where they are missing or damaged. */
  readonly keys: FollowerKeys | null
  /** The records of apply can be believed. */
  readonly hasRecords: boolean
}

/**
 * Opens the folder of a follower as far as that goes, under its lock. An apply that was cut off is finished, where its
 * records say how.
 */
export async function withParting<T>(
  context: Context,
  what: string,
  work: (parting: Parting, local: FollowerLocal) => Promise<T>,
): Promise<T> {
  const { disk } = await mustFollow(context)
  return inTurn(context, what, disk, async () => {
    // It may have left while this waited for its turn.
    const { local } = await mustFollow(context)
    let isOpen = false
    try {
      return await atDesk(context, disk, async (desk) => {
        isOpen = true
        const { keys } = desk.follower
        return work({ context, disk, desk, keys, hasRecords: await recover(context, disk, keys) }, local)
      })
    } catch (error) {
      if (isOpen || !isDamage(error)) throw error
    }
    const keys = await loadFollowerKeys(disk, context.homes.stemmaHome).catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'keys-damaged') return null
      throw error
    })
    return work({ context, disk, desk: null, keys, hasRecords: await recover(context, disk, keys) }, local)
  })
}

/**
 * Forgets the log, the floor that it set, and the pin; evidence is kept under another name.
 * @returns the names under which something damaged is kept.
 */
export async function part({
  context,
  disk,
  desk,
  hasRecords,
}: Omit<Parting, 'keys'>): Promise<readonly string[]> {
  const { homes, clock, ids } = context
  const { stemmaHome } = homes
  const kept = await (desk ? desk.follower.forget() : forgetDamaged({ disk, clock, ids, stemmaHome }))
  // Without them every file that differs from the master's is a conflict.
  if (!hasRecords) await removeTree(disk, `${stemmaHome}/apply`)
  await settleEvidence(disk, stemmaHome)
  await removeTree(disk, `${stemmaHome}/contact.json`)
  // Without its card the session hook has nobody to ask.
  await dropCard(disk, stemmaHome)
  await dropAway(disk, stemmaHome)
  await removeTree(disk, `${stemmaHome}/local.toml`)
  await disk.syncDir(stemmaHome)
  return kept
}

/** What was damaged, after `part`. @param isNew the keys were missing or damaged. */
export function tellKept({ out }: Context, kept: readonly string[], isNew: boolean): void {
  if (kept.length > 0)
    out.flow(
      0,
      'What was damaged is kept, and yours to remove once the master is well: ',
      kept.join(', '),
      '.',
    )
  if (isNew)
    out.flow(
      0,
      'The keys of this machine are lost: the next join makes new ones, and it is another machine to the master.',
    )
}

/** @returns whether the records of apply can be believed; they are sealed to the keys. */
async function recover(context: Context, disk: Disk, keys: FollowerKeys | null): Promise<boolean> {
  const { homes, clock, ids } = context
  const blobs = new Blobs(disk, ids, `${homes.stemmaHome}/blobs`)
  const found = await unlessDamaged(async () => {
    await new Applier({ ...homes, disk, clock, ids, blobs }).recover()
    return keys && loadTrail(disk, homes.stemmaHome, keys.seal)
  })
  return found !== null
}

/** Null for what is damaged. */
export async function unlessDamaged<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (error) {
    if (!isDamage(error)) throw error
    return null
  }
}

/** Nothing that a person could set right before: permissions, room, a newer version. */
const isDamage = (error: unknown): boolean =>
  error instanceof Fault && (codes[error.code].exit === exitCodes.damaged || error.code === 'too-many')
