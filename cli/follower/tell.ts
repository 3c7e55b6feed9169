/**
 * What an apply or a plan did, or would do, in words and as JSON.
 */
import { describePlan, describeStaged, type Step } from '../../engine/apply/plan.ts'
import type { Kept, Planned, Told } from '../../engine/compose/keeper.ts'
import { codes, type ExitCode, exitCodes } from '../../schemas/code.ts'
import { stagedMaxMs } from '../../schemas/limits.ts'
import type { Context } from '../context.ts'
import { counted, size } from '../ui/amount.ts'
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
  for (const { act, path, why } of plan.steps.slice(0, shownMax))
    out.line(marks[act], ' ', path, dim(` (${why})`))
  more(context, plan.steps.length)
  const { totals } = describePlan(plan)
  const sum = `${totals.create} to add, ${totals.replace + totals.chmod} to change, ${totals.remove} to remove`
  out.line(
    plan.steps.length === 0 ? 'Nothing would change.' : `Would change: ${sum} (${size(totals.bytes)}).`,
  )
  tellConflicts(context, conflicts)
  tellStaged(context, plan.staged, planned)
  tellLeft(context, planned)
  for (const { fault } of plan.faults) out.flow(0, yellow('Cannot look: '), fault.message)
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
  out.line(
    result.changed.length === 0
      ? `Up to date at ${at}.`
      : `${counted(result.changed.length, 'file')} changed; now at ${at}.`,
  )
  for (const backup of result.backups) out.flow(0, dim(`What was replaced or removed is kept in ${backup}`))
  tellConflicts(context, conflicts)
  tellStaged(context, result.staged, result)
  tellLeft(context, result)
  for (const { fault } of result.faults) out.flow(0, red('Left as it was: '), fault.message, ' ', fault.hint)
  return exit
}

function exitOf({ faults, left }: Kept, conflicts: readonly Shown[]): ExitCode {
  const fault = faults[0]?.fault
  if (fault) return codes[fault.code].exit
  if (left.length > 0) return exitCodes.failed
  return conflicts.length > 0 ? exitCodes.conflicts : exitCodes.done
}

/** What waits for the end of a session of Codex (S10), and until when at most. */
export function tellStaged({ out }: Context, staged: readonly Step[], told: Told): void {
  if (staged.length === 0) return
  const until = stagedUntil(told)
  out.flow(
    0,
    yellow('Staged until no session of Codex is in progress'),
    ` (at most until ${until}): `,
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
