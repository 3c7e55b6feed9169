/**
 * Founding a log: its keys, its charter and its first segment.
 * Always holds: a log that was begun and told to nobody can be cleared away and begun anew; any other one stays.
 */
import type { Event } from '../schemas/event/index.ts'
import { foldVersion } from '../schemas/event/index.ts'
import { Fault } from '../schemas/fault.ts'
import { charterBytes, logIdBytes } from '../schemas/signable.ts'
import { sign } from './crypto/ed25519.ts'
import type { Disk } from './disk/disk.ts'
import { makeDirs, removeTree } from './disk/tree.ts'
import type { Clock } from './env/clock.ts'
import type { Ids } from './env/ids.ts'
import { createMasterKeys } from './keys/keys.ts'
import { createRecoveryKey } from './keys/recovery.ts'
import { Log } from './log/log.ts'
import type { LogPlace } from './log/open.ts'

type World = { readonly disk: Disk; readonly clock: Clock; readonly ids: Ids }
export type MasterPlace = World & { readonly stemmaHome: string }

export const logPlace = ({ disk, ids, stemmaHome }: MasterPlace): LogPlace => ({
  disk,
  ids,
  dir: `${stemmaHome}/log`,
})

/** Begins a log in an empty folder. The recovery key is returned as text, once, and kept nowhere. */
export async function foundLog(place: MasterPlace): Promise<string> {
  const { disk, ids, clock, stemmaHome } = place
  await makeDirs(disk, stemmaHome, 0o700)
  if (await Log.exists(logPlace(place)))
    throw new Fault('already-initialised', `${stemmaHome} already holds a log.`)
  const keys = await createMasterKeys(disk, ids, stemmaHome)
  const recovery = createRecoveryKey(ids)
  const fields = {
    logId: ids.bytes(logIdBytes),
    logKey: keys.log.public,
    nodeKey: keys.node.public,
    recoveryKey: recovery.key.public,
    foldVersion,
  }
  const signed = charterBytes(fields)
  const charter: Event = {
    type: 'log.chartered',
    body: { ...fields, byLog: sign(keys.log.private, signed), byNode: sign(keys.node.private, signed) },
  }
  const log = await Log.create(logPlace(place), [charter], clock.now(), keys.log.private)
  await log.close()
  return recovery.text
}

/**
 * Clears away a log that `foundLog` began and nobody was told of, when the run was cut off in between: its charter
 * alone, with a recovery key that nobody has seen. For a folder that belongs to nobody.
 */
export async function clearUnborn(place: MasterPlace): Promise<void> {
  const { disk, stemmaHome } = place
  if (!(await Log.exists(logPlace(place)))) return
  const unborn = await Log.open(logPlace(place))
  const { seq } = unborn.head
  await unborn.close()
  if (seq > 1) return
  await removeTree(disk, logPlace(place).dir)
  await disk.syncDir(stemmaHome)
}
