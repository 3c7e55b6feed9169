/**
 * Bringing the home up to date: what `sync`, `apply` and `join` share.
 */

import type { Scope } from '../../engine/apply/applier.ts'
import type { Takes } from '../../engine/apply/plan.ts'
import type { Keeper, Kept } from '../../engine/compose/keeper.ts'
import { toHash } from '../../engine/crypto/hash.ts'
import type { ExitCode } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import type { FollowerDesk } from './desk.ts'
import { type Position, tellApplied } from './tell.ts'

export function positionOf({ follower }: FollowerDesk): Position {
  const { head } = follower
  return head ? { seq: head.seq, revision: toHash(head.revision) } : { seq: 0, revision: '0'.repeat(64) }
}

/** A sync that was cut off in the middle of a long tail has entries whose contents are not here yet. */
async function mustBeWhole({ follower }: FollowerDesk): Promise<void> {
  const missing = follower.state ? await follower.missing(follower.state) : []
  if (missing.length > 0)
    throw new Fault(
      'incomplete',
      `${missing.length} file contents have not been fetched from the master yet.`,
      {
        missing: missing.length,
      },
    )
}

/** Applies what is stored. */
export async function bringUp(
  desk: FollowerDesk,
  takes: Takes = null,
  keeper: Keeper = desk.keeper,
  scope: Scope = 'all',
): Promise<Kept> {
  await mustBeWhole(desk)
  const result = await keeper.apply(takes, undefined, scope)
  const { seq } = positionOf(desk)
  if (result.faults.length === 0 && seq !== desk.contact.appliedSeq) await desk.note({ appliedSeq: seq })
  await desk.deal(result.faults.length === 0, result.staged.length > 0)
  await desk.follower.sweep()
  return result
}

/** Applies what is stored, says what changed, and returns the exit code. */
export async function applyStored(
  desk: FollowerDesk,
  more: object = {},
  keeper: Keeper = desk.keeper,
): Promise<ExitCode> {
  return tellApplied(desk.context, await bringUp(desk, null, keeper), positionOf(desk), more)
}
