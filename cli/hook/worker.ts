/**
 * The process that works behind a session: its number is in a small file, so that the end of the session can wait for
 * what it does.
 * Always holds: the file is a hint; on a full disk there is none, and nobody waits.
 */
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { dropWorker, loadWorker, noteWorker } from '../../engine/worker.ts'
import { Fault } from '../../schemas/fault.ts'
import { hookLookMs } from '../../schemas/limits.ts'

type Place = { readonly disk: Disk; readonly stemmaHome: string }
type Own = Place & { readonly pid: number }
type Seeing = Place & { readonly isAlive: (pid: number) => boolean }

export async function beginWork({ disk, stemmaHome, pid }: Own): Promise<void> {
  try {
    await noteWorker(disk, stemmaHome, pid)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

export const endWork = ({ disk, stemmaHome, pid }: Own): Promise<void> => dropWorker(disk, stemmaHome, pid)

export async function isWorking({ disk, stemmaHome, isAlive }: Seeing): Promise<boolean> {
  const pid = await loadWorker(disk, stemmaHome)
  return pid !== null && isAlive(pid)
}

export async function waitForWork(
  world: Seeing & { readonly clock: Clock },
  patienceMs: number,
): Promise<void> {
  const { clock } = world
  const untilMs = clock.monotonic() + patienceMs
  while (clock.monotonic() < untilMs && (await isWorking(world))) await clock.wait(hookLookMs)
}
