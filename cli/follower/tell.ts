/**
 * What an apply or a plan did, or would do, in words and as JSON.
 */
import type { ApplyResult } from '../../engine/apply/applier.ts'
import { type Conflict, describePlan, type Plan } from '../../engine/apply/plan.ts'
import { codes, type ExitCode, exitCodes } from '../../schemas/code.ts'
import type { Context } from '../context.ts'
import { counted, size } from '../ui/amount.ts'
import { cyan, dim, green, red, yellow } from '../ui/paint.ts'

const shownMax = 20

/** What is at issue in a conflict, after the name of the file. */
const reasons: { readonly [K in Conflict['kind']]: string } = {
  edited: 'was changed here since the last sync',
  deleted: 'was deleted here',
  exists: 'was here before and differs from the canonical one',
  orphaned: 'is no longer canonical, but was changed here',
  linked: 'is, or lies behind, a symbolic link',
  blocked: 'has something else in its place',
  twin: 'has a local twin that differs only in case or Unicode form',
}
const marks = { create: green('+'), replace: cyan('~'), chmod: cyan('x'), remove: red('-') } as const

export const conflictReport = (conflicts: readonly Conflict[]) =>
  conflicts.map(({ path, kind, at, canonical, local }) => ({ path, kind, at, canonical, local }))

/** The position in the log that a command speaks of. */
export type Position = { readonly seq: number; readonly revision: string }

export function tellPlan(context: Context, plan: Plan, position: Position): void {
  const { out, json } = context
  if (json) {
    out.json({ ...position, dryRun: true, ...describePlan(plan) })
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
  tellConflicts(context, plan.conflicts)
  for (const { fault } of plan.faults) out.line(yellow('Cannot look: '), fault.message)
}

/** Prints the result and returns the exit code that it deserves. */
export function tellApplied(
  context: Context,
  result: ApplyResult,
  position: Position,
  more_: object = {},
): ExitCode {
  const { out, json } = context
  const exit = exitOf(result)
  if (json) {
    out.json({
      ...position,
      ...more_,
      changed: result.changed.map(({ path, act }) => ({ path, act })),
      conflicts: conflictReport(result.conflicts),
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
  for (const backup of result.backups) out.line(dim(`What was replaced or removed is kept in ${backup}`))
  tellConflicts(context, result.conflicts)
  for (const { fault } of result.faults) out.line(red('Left as it was: '), fault.message, ' ', fault.hint)
  return exit
}

function exitOf({ conflicts, faults }: ApplyResult): ExitCode {
  const fault = faults[0]?.fault
  if (fault) return codes[fault.code].exit
  return conflicts.length > 0 ? exitCodes.conflicts : exitCodes.done
}

export function tellConflicts({ out }: Context, conflicts: readonly Conflict[]): void {
  if (conflicts.length === 0) return
  out.line(yellow(counted(conflicts.length, 'conflict')), ' (the local file was kept):')
  for (const { path, kind, at } of conflicts.slice(0, shownMax))
    out.line('  ', path, dim(` ${reasons[kind]}${at === path ? '' : ` (${at})`}`))
  if (conflicts.length > shownMax) out.line(dim(`  and ${conflicts.length - shownMax} more`))
  out.line('Settle each with `stemma resolve PATH --take canonical|local`.')
}

function more({ out }: Context, total: number): void {
  if (total > shownMax) out.line(dim(`  and ${total - shownMax} more`))
}
