/**
 * What an apply or a plan did, or would do, in words and as JSON.
 */
import { describePlan, describeStaged, type PathFault, type Step } from '../../engine/apply/plan.ts'
import type { Kept, Planned, Told } from '../../engine/compose/keeper.ts'
import { isComposed } from '../../engine/compose/kind.ts'
import { codes, type ExitCode, exitCodes } from '../../schemas/code.ts'
import { stagedMaxMs } from '../../schemas/limits.ts'
import type { Context } from '../context.ts'
import { counted, duration, size } from '../ui/amount.ts'
import { cyan, dim, green, red, yellow } from '../ui/paint.ts'
import { conflictsOf, type Shown, tellConflicts } from './conflict.ts'

const shownMax = 20

const marks = { create: green('+'), replace: cyan('~'), chmod: cyan('x'), remove: red('-') } as const

/** The position in the log that a command speaks of. */
export type Position = { readonly seq: number; readonly revision: string }

export function tellPlan(context: Context, planned: Planned, position: Position): void {
  const { out, json } = context
  const { plan } = planned
  const conflicts = conflictsOf(plan.conflicts, planned.inner)
  if (json) {
    out.json({ ...position, dryRun: true, ...describePlan(plan), conflicts, left: planned.left })
    return
  }
  for (const step of plan.steps.slice(0, shownMax))
    out.line(marks[step.act], ' ', step.path, dim(` (${changeOf(step)})`))
  more(context, plan.steps.length)
  const { totals } = describePlan(plan)
  const sum = `${totals.create} to add, ${totals.replace + totals.chmod} to change, ${totals.remove} to remove`
  const would =
    plan.steps.length === 0 ? 'Nothing would change' : `Would change: ${sum} (${size(totals.bytes)})`
  const lack = lackOf(planned, plan.faults, plan.staged, 'cannot')
  out.flow(0, would, lack === null ? '.' : `, but ${lack}.`)
  tellConflicts(context, conflicts)
  tellStaged(context, plan.staged, planned)
  tellLeft(context, planned)
  tellFaults(context, plan.faults)
}

/** Prints the result and returns the exit code that it deserves. */
export function tellApplied(
  context: Context,
  result: Kept,
  position: Position,
  more_: object = {},
): ExitCode {
  const { out, json } = context
  const conflicts = conflictsOf(result.conflicts, result.inner)
  const exit = exitOf(result, conflicts)
  if (json) {
    out.json({
      ...position,
      ...more_,
      changed: result.changed.map(({ path, act }) => ({ path, act })),
      conflicts,
      staged: describeStaged(result.staged),
      left: result.left,
      faults: result.faults.map(({ path, fault }) => ({ path, code: fault.code, message: fault.message })),
      backups: result.backups,
    })
    return exit
  }
  for (const { act, path } of result.changed.slice(0, shownMax)) out.line(marks[act], ' ', path)
  more(context, result.changed.length)
  const at = `entry ${position.seq} (revision ${position.revision.slice(0, 12)})`
  const lack = lackOf(result, result.faults, result.staged, 'could not')
  const changed = counted(result.changed.length, 'file')
  if (result.changed.length > 0)
    out.flow(0, `${changed} changed; now at ${at}`, lack === null ? '.' : `, but ${lack}.`)
  else out.flow(0, lack === null ? `Up to date at ${at}.` : `At ${at}, but ${lack}.`)
  for (const backup of result.backups) out.flow(0, dim(`What was replaced or removed is kept in ${backup}`))
  tellConflicts(context, conflicts)
  tellStaged(context, result.staged, result)
  tellLeft(context, result)
  tellFaults(context, result.faults)
  return exit
}

function exitOf({ faults, left }: Kept, conflicts: readonly Shown[]): ExitCode {
  const fault = faults[0]?.fault
  if (fault) return codes[fault.code].exit
  if (left.length > 0) return exitCodes.failed
  return conflicts.length > 0 ? exitCodes.conflicts : exitCodes.done
}

/** How a file would change, in words. */
function changeOf({ act, path, why }: Step): string {
  if (act === 'create') return 'new'
  const what = act === 'remove' ? 'removed' : 'changed'
  return why === 'taken' && !isComposed(path) ? `${what}; yours is backed up` : what
}

/** What is not as it should be though nobody has to decide, after a "but"; null when all is. */
function lackOf(
  told: Told,
  faults: readonly PathFault[],
  staged: readonly Step[],
  cannot: 'cannot' | 'could not',
): string | null {
  const held = heldBack(told, faults)
  const parts = [
    ...(held > 0 ? [`${counted(held, 'file')} ${cannot} be brought up to date`] : []),
    ...(staged.length > 0 ? [waitingFor(staged)] : []),
  ]
  return parts.length === 0 ? null : parts.join(', and ')
}

/** How many files stayed as they were because of what lies there or of what should. */
export const heldBack = ({ left }: Told, faults: readonly PathFault[]): number =>
  new Set([...left, ...faults].map((one): string => one.path)).size

export const waitingFor = ({ length }: readonly Step[]): string =>
  length === 1 ? '1 file waits for the end of a session' : `${length} files wait for the end of a session`

/** Files that could not be looked at, read or written. */
export function tellFaults({ out }: Context, faults: readonly PathFault[]): void {
  for (const { fault } of faults) out.flow(0, red('Left as it was: '), fault.message, ' ', fault.hint)
}

/** What waits for the end of a session of Codex (S10), and for how long at most. */
export function tellStaged({ out, clock }: Context, staged: readonly Step[], told: Told): void {
  if (staged.length === 0) return
  const leftMs = stagedMaxMs - (clock.now() - (told.waitingSinceMs ?? clock.now()))
  out.flow(
    0,
    yellow('Staged until no session of Codex is in progress'),
    ` (${duration(leftMs)} at most): `,
    staged
      .slice(0, shownMax)
      .map(({ path }) => path)
      .join(', '),
    staged.length > shownMax ? ` and ${staged.length - shownMax} more` : '',
  )
  out.line('`stemma apply --now` does not wait.')
}

/** ISO 8601; null when nothing waits. */
export const stagedUntil = ({ waitingSinceMs }: Told): string | null =>
  waitingSinceMs === null ? null : new Date(waitingSinceMs + stagedMaxMs).toISOString()

/** Composed files that were not touched, because the result would not have been one that Codex starts with. */
export function tellLeft({ out }: Context, { left, reprinted }: Told): void {
  for (const { path, why, code } of left) {
    out.flow(0, red('Left as it was: '), path, ': ', why.replace(/\.?$/, '.'))
    // A secret that this machine has no key for yet: nobody has to let it in for that.
    out.flow(2, code === 'waiting' ? 'The next `stemma sync` asks for it again.' : codes[code].hint)
  }
  for (const path of reprinted) out.flow(0, yellow('Printed anew, without its comments: '), path)
}

function more({ out }: Context, total: number): void {
  if (total > shownMax) out.line(dim(`  and ${total - shownMax} more`))
}
