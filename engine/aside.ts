/**
 * What is damaged, put aside under another name: it may be the only copy of something.
 * Always holds: nothing of it is read or removed again, and its own name is free, durably, on return.
 */
import type { Code } from '../schemas/code.ts'
import { Fault } from '../schemas/fault.ts'
import { removeTree } from './disk/tree.ts'
import type { FollowerPlace } from './follower.ts'
import { loadFollowerKeys } from './keys/keys.ts'
import { Log } from './log/log.ts'

type Place = Pick<FollowerPlace, 'disk' | 'clock' | 'ids' | 'stemmaHome'>

/** @returns what `log` or `keys` is called from now on. */
export async function setAside({ disk, clock, stemmaHome }: Place, name: 'log' | 'keys'): Promise<string> {
  const time = new Date(clock.now()).toISOString().replace(/[-:.]/g, '')
  const path = `${stemmaHome}/${name}.damaged-${time}`
  await disk.rename(`${stemmaHome}/${name}`, path)
  await disk.syncDir(stemmaHome)
  return path
}

/**
 * Forgets the log of a follower that cannot be opened, its contents, and the floor it set; and keys that are damaged, since
 * no join could go on with them.
 * @returns the names under which log and keys are kept.
 */
export async function forgetDamaged(place: Place): Promise<readonly string[]> {
  const { disk, ids, stemmaHome } = place
  const kept: string[] = []
  const dir = `${stemmaHome}/log`
  const isSound = await works(null, async () => {
    if (!(await Log.exists({ disk, ids, dir }))) return true
    const log = await Log.open({ disk, ids, dir })
    await log.close()
    return log.damage === null
  })
  if (isSound) await removeTree(disk, dir)
  else kept.push(await setAside(place, 'log'))
  await removeTree(disk, `${stemmaHome}/blobs`)
  const hasKeys = (await disk.stat(`${stemmaHome}/keys`)) !== null
  // A disk that only failed to read them is no reason to give up who this machine is.
  const isKnown = await works('keys-damaged', async () => (await loadFollowerKeys(disk, stemmaHome)) !== null)
  if (hasKeys && !isKnown) kept.push(await setAside(place, 'keys'))
  return kept
}

/** @param code what alone counts as damage; null for any fault. */
async function works(code: Code | null, look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'interrupted') throw error
    if (code !== null && error.code !== code) throw error
    return false
  }
}
