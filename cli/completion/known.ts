/**
 * Names that only this machine knows, for a shell that completes them.
 * Always holds: nothing is written and nobody is waited for longer than a Tab may take; a name that a shell would have
 * to quote, or that several bear, is told as the beginning of an id.
 */
import { Fault } from '../../schemas/fault.ts'
import { knownTimeoutMs } from '../../schemas/limits.ts'
import { followersReport } from '../../schemas/report.ts'
import { v } from '../../schemas/shape.ts'
import type { Listed } from '../command.ts'
import type { Context } from '../context.ts'

/** @throws Fault for whatever stands in the way; who completes is told nothing of it. */
export async function namesOf(context: Context, what: Listed): Promise<readonly string[]> {
  const late = new AbortController()
  const cancel = context.clock.after(knownTimeoutMs, () =>
    late.abort(new Fault('timed-out', 'Nobody waits for these names any more.')),
  )
  const hasty = { ...context, signal: AbortSignal.any([context.signal, late.signal]) }
  try {
    return what === 'conflicts' ? await conflictNames(hasty) : await followerNames(hasty, what)
  } finally {
    cancel()
  }
}

/** Asks the master that runs here. A log is not opened for a Tab. */
async function followerNames(context: Context, what: 'waiting' | 'enrolled'): Promise<readonly string[]> {
  const { askRunning } = await import('../owner.ts')
  const told = await askRunning(context, await context.openDisk(), { cmd: 'followers' }, knownTimeoutMs)
  const { followers } = v.parse(followersReport, told?.ok ?? { followers: [], approve: false })
  const names = followers.map(({ name }) => name)
  const isPlain = (name: string) =>
    /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name) && names.indexOf(name) === names.lastIndexOf(name)
  return followers
    .filter(({ state }) => state === what)
    .map(({ name, id }) => (isPlain(name) ? name : id.slice(0, 12)))
}

/** As `stemma conflicts` has them. */
async function conflictNames(context: Context): Promise<readonly string[]> {
  const [{ glance }, { conflictsOf, nameOf }] = await Promise.all([
    import('../follower/glance.ts'),
    import('../follower/conflict.ts'),
  ])
  return glance(context, 'known', async (desk) => {
    const { plan, inner, innerSettled } = await desk.keeper.plan()
    return [...conflictsOf(plan.conflicts, inner), ...conflictsOf(plan.settled, innerSettled)].map(nameOf)
  })
}
