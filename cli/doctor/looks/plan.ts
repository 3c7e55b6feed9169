/**
 * What an apply would find on this follower, without doing anything of it. A watcher lends the folder for it, as it does
 * to any command; where nobody owns the folder it is not even locked.
 */
import { loadContact } from '../../../engine/contact.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { DryDisk } from '../../../engine/disk/dry.ts'
import { Follower } from '../../../engine/follower.ts'
import { codes } from '../../../schemas/code.ts'
import type { FollowerLocal, Settings } from '../../../schemas/settings.ts'
import type { Survey } from '../../../transport/control/survey.ts'
import type { Context } from '../../context.ts'
import { conflictsOf } from '../../follower/conflict.ts'
import { FollowerDesk, inTurn } from '../../follower/desk.ts'
import type { PlanFacts } from '../facts.ts'
import { attempt } from './attempt.ts'

export async function lookAtPlan(
  context: Context,
  disk: Disk,
  { owner }: Survey,
  local: FollowerLocal,
  settings: Settings,
): Promise<PlanFacts> {
  const work = () => plan(context, new DryDisk(disk), local, settings)
  const { got, told } = await attempt(() => (owner === null ? work() : inTurn(context, 'doctor', disk, work)))
  if (got !== null) return got
  // Another command is at work for longer than this one waits: nothing is wrong with that.
  return { conflicts: [], left: [], fault: told.code === 'locked' ? null : told }
}

async function plan(
  context: Context,
  disk: Disk,
  local: FollowerLocal,
  settings: Settings,
): Promise<PlanFacts> {
  const { homes, ids, clock } = context
  const follower = await Follower.open({ disk, ids, clock, stemmaHome: homes.stemmaHome })
  try {
    const contact = await loadContact(disk, homes.stemmaHome)
    const desk = new FollowerDesk(context, disk, { settings, follower, contact, local })
    const planned = await desk.keeper.plan()
    const { conflicts, faults } = planned.plan
    return {
      conflicts: conflictsOf(conflicts, planned.inner).map(({ path, key }) =>
        key === null ? path : `${path}#${key}`,
      ),
      left: [
        ...planned.left.map(({ path, why, code }) => ({ path, why, hint: codes[code].hint })),
        ...faults.map(({ path, fault }) => ({ path, why: fault.message, hint: fault.hint })),
      ],
      fault: null,
    }
  } finally {
    await follower.close()
  }
}
