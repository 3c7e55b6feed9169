/**
 * What an apply would find on this follower, without doing anything of it: beside a watcher, or where nobody owns the
 * folder, without its lock.
 */
import type { Disk } from '../../../engine/disk/disk.ts'
import { DryDisk } from '../../../engine/disk/dry.ts'
import { codes } from '../../../schemas/code.ts'
import type { Survey } from '../../../transport/control/survey.ts'
import type { Context } from '../../context.ts'
import { conflictsOf } from '../../follower/conflict.ts'
import { atDesk, type FollowerDesk, inTurn } from '../../follower/desk.ts'
import { besideOwner } from '../../follower/glance.ts'
import type { PlanFacts } from '../facts.ts'
import { attempt } from './attempt.ts'

export async function lookAtPlan(context: Context, disk: Disk, { owner }: Survey): Promise<PlanFacts> {
  const look = () => atDesk(context, new DryDisk(disk), plan)
  const { got, told } = await attempt(async () => {
    // A watcher may have lent the folder to another command just now, and take it back meanwhile.
    const seen = await besideOwner(context.homes.stemmaHome, disk, look)
    if (seen) return seen.got
    return owner === null ? look() : inTurn(context, 'doctor', disk, look)
  })
  if (got !== null) return got
  // Another command is at work for longer than this one waits: nothing is wrong with that.
  return { conflicts: [], left: [], fault: told.code === 'locked' ? null : told }
}

async function plan(desk: FollowerDesk): Promise<PlanFacts> {
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
}
