/**
 * Staging: every new content written into the home's own staging folder, complete and durable, before anything
 * visible changes. Step n has its content in file `n`.
 * Always holds: what is staged matched its hash; new files get 0644 or 0755 less the umask, and a replaced
 * file's successor has the permissions of the file it replaces, but for the executable bit (S34).
 */
import { size } from '../../schemas/amount.ts'
import { Fault } from '../../schemas/fault.ts'
import { applyReserveBytes, stageParallel } from '../../schemas/limits.ts'
import type { Stat } from '../disk/disk.ts'
import { makeDirs } from '../disk/tree.ts'
import { counting } from '../env/progress.ts'
import { withExec } from './mark.ts'
import type { Plan, Step } from './plan.ts'
import { eachOf } from './pool.ts'
import type { Site } from './site.ts'

export const stageDir = (site: Site, tx: string): string => `${site.stage}/${tx}`

/** Makes the home (for its owner alone) when there is none. */
export async function makeHome(site: Site): Promise<void> {
  if ((await site.disk.stat(site.home)) === null) await makeDirs(site.disk, site.home, 0o700)
}

/** Fault `disk-full`, before a byte is written, when the disk could not take it. */
export async function checkRoom(site: Site, backupBytes: number, plan: Plan): Promise<void> {
  const stagedBytes = plan.steps.reduce((sum, step) => sum + bytesOf(step), 0)
  const needBytes = stagedBytes + backupBytes + applyReserveBytes
  const freeBytes = await site.disk.freeBytes(site.home)
  if (freeBytes < needBytes)
    throw new Fault(
      'disk-full',
      `The update needs ${size(needBytes)} on the disk of ${site.home}, which has ${size(freeBytes)} left.`,
      {
        needBytes,
        freeBytes,
      },
    )
}

const bytesOf = (step: Step): number => ('bytes' in step ? step.bytes : 0)

/** All of the plan's new content, its names included, is durable on return. */
export async function stage(site: Site, tx: string, steps: readonly Step[]): Promise<void> {
  const { disk } = site
  const dir = stageDir(site, tx)
  await disk.makeDir(site.stage, 0o700)
  await disk.makeDir(dir, 0o700)
  const bytes = steps.reduce((sum, step) => sum + bytesOf(step), 0)
  const count = counting(site.progress, 'write', steps.length, bytes)
  await eachOf(steps, stageParallel, async (step, index) => {
    if (step.act === 'create' || step.act === 'replace') await stageFile(site, `${dir}/${index}`, step)
    count(1, bytesOf(step))
  })
  for (const folder of [dir, site.stage, site.home]) await disk.syncDir(folder)
}

type Written = Extract<Step, { act: 'create' | 'replace' }>

async function stageFile(site: Site, at: string, step: Written): Promise<void> {
  const file = await site.disk.open(at, 'create', modeOf(step))
  try {
    let size = 0
    for await (const piece of site.blobs.read(step.to.hash)) {
      await file.write([piece], size)
      size += piece.length
    }
    if (step.act === 'replace') {
      const mode = withExec(step.mode, step.to.exec)
      await setMode(site, at, await file.stat(), step.secret ? mode & 0o700 : mode)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Of a new file, before the umask: what holds secrets is its owner's from the first byte. */
function modeOf({ secret, to }: Written): number {
  if (secret) return to.exec ? 0o700 : 0o600
  return to.exec ? 0o755 : 0o644
}

async function setMode(site: Site, at: string, stat: Stat, mode: number): Promise<void> {
  if (!site.disk.windows && stat.mode !== mode) await site.disk.chmod(at, mode)
}
