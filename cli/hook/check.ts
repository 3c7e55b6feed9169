/**
 * What there is to do for a home: before Codex starts (`run`, the shim), at the first turn of a session, in the process
 * that works behind it, and after the last turn.
 * Always holds: it says nothing and ends within its budget, whatever the master does (S51). A session never waits for
 * the master, since news could not count in it any more (S52); whoever starts Codex waits for one that was not away
 * within the last minute. Nobody asks it while a process of this machine hears of every change (`follower watch`).
 */
import { dropAway, loadAway, noteAway } from '../../engine/away.ts'
import { type Card, loadCard } from '../../engine/card.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { loadWatching } from '../../engine/watching.ts'
import { Fault } from '../../schemas/fault.ts'
import { hookCheckMs, hookConnectMs } from '../../schemas/limits.ts'

export type HookWorld = {
  readonly disk: Disk
  readonly clock: Clock
  readonly stemmaHome: string
  /** Is there such a process? */
  readonly isAlive: (pid: number) => boolean
}
export type Moment = 'before' | 'start' | 'work' | 'end'
/**
 * `sync`: something may be new. `apply`: what is here already can be put into the home. `work`: a process of its own
 * has to find out, and nobody waits for it.
 */
export type Need = 'sync' | 'apply' | 'work' | 'nothing'

export async function findNeed(world: HookWorld, moment: Moment): Promise<Need> {
  const { disk, clock, stemmaHome } = world
  const card = await loadCard(disk, stemmaHome)
  // Without a card a sync finds out where this machine stands, if it follows anybody at all.
  if (card === null) {
    if (moment === 'end' || !(await disk.stat(`${stemmaHome}/local.toml`))) return 'nothing'
    return moment === 'start' ? 'work' : 'sync'
  }
  if (moment === 'end') return card.staged ? 'apply' : 'nothing'
  const watcher = await loadWatching(world)
  const away =
    watcher !== null && world.isAlive(watcher) ? 'watched' : await loadAway(disk, clock, stemmaHome)
  if (moment === 'start') return (away === 'watched' || away === 'away') && card.applied ? 'nothing' : 'work'
  // A session that has begun keeps staged what is staged.
  const rest = card.applied && !(card.staged && moment === 'before') ? 'nothing' : 'apply'
  if (away === 'watched' || away === 'away') return rest
  if (away === 'over') {
    if (moment === 'before') return rest === 'apply' ? rest : 'work'
    // Others need not ask while this one does.
    await remember(world)
  }
  try {
    const newer = await isNewer(world, card)
    if (away !== 'no') await dropAway(disk, stemmaHome)
    return newer ? 'sync' : rest
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'unreachable' || error.code === 'timed-out') {
      await remember(world)
      return rest
    }
    // A master that is not trusted is left to a sync that nobody waits for: it refuses, and `status` tells from then on.
    if (rest === 'apply') return rest
    return moment === 'work' ? 'sync' : 'work'
  }
}

/** Where it cannot be written down (a full disk) the next one asks once more: it costs time, and nothing else. */
async function remember({ disk, clock, stemmaHome }: HookWorld): Promise<void> {
  try {
    await noteAway(disk, clock, stemmaHome)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
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
