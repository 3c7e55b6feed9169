/**
 * What there is to do for a home at one of three moments: before Codex starts (`run`, the shim), at the first turn of
 * a session, and after its last.
 * Always holds: it says nothing and ends within its budget, whatever the master does (S51); a master that was away is
 * waited for once, then asked by a process of its own.
 */
import { loadAway, noteAway } from '../../engine/away.ts'
import { type Card, loadCard } from '../../engine/card.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { Fault } from '../../schemas/fault.ts'
import { hookCheckMs, hookConnectMs } from '../../schemas/limits.ts'

export type HookWorld = {
  readonly disk: Disk
  readonly clock: Clock
  readonly stemmaHome: string
}
export type Moment = 'before' | 'start' | 'end'
/**
 * `sync`: something may be new. `apply`: what is here already can be put into the home. `probe`: the master was away,
 * and it is time to ask again without anybody waiting.
 */
export type Need = 'sync' | 'apply' | 'probe' | 'nothing'

export async function findNeed(world: HookWorld, moment: Moment): Promise<Need> {
  const { disk, clock, stemmaHome } = world
  const card = await loadCard(disk, stemmaHome)
  // Without a card a sync finds out where this machine stands, if it follows anybody at all.
  if (card === null)
    return moment !== 'end' && (await disk.stat(`${stemmaHome}/local.toml`)) ? 'sync' : 'nothing'
  if (moment === 'end') return card.staged ? 'apply' : 'nothing'
  // A session that has begun keeps staged what is staged.
  const rest = card.applied && !(card.staged && moment === 'before') ? 'nothing' : 'apply'
  const away = await loadAway(disk, clock, stemmaHome)
  if (away === 'away') return rest
  if (away === 'over') {
    if (rest === 'apply') return rest
    return (await remember(world)) ? 'probe' : 'nothing'
  }
  try {
    return (await isNewer(world, card)) ? 'sync' : rest
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'unreachable' || error.code === 'timed-out') await remember(world)
    // A master that is not trusted is left to `sync` to report.
    return rest
  }
}

/** Where it cannot be written down (a full disk) the next session asks once more: it costs time, and nothing else. */
async function remember({ disk, clock, stemmaHome }: HookWorld): Promise<boolean> {
  try {
    await noteAway(disk, clock, stemmaHome)
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return false
  }
}

async function isNewer({ disk, clock, stemmaHome }: HookWorld, card: Card): Promise<boolean> {
  const startMs = clock.monotonic()
  const { host, port } = card
  const { dial } = await import('../../transport/identity/dial.ts')
  const socket = await dial({ host, port, clock, timeoutMs: hookConnectMs })
  try {
    // Nothing of TLS is loaded for a master that is not there.
    const { hasNews } = await import('./question.ts')
    const timeoutMs = Math.max(0, hookConnectMs - (clock.monotonic() - startMs))
    const answerMs = hookCheckMs - hookConnectMs
    return await hasNews({ disk, clock, stemmaHome, card, socket, timeoutMs, answerMs })
  } finally {
    socket.destroy()
  }
}
