/** What the doctor found and did, in words and as JSON. */
import type { Context } from '../context.ts'
import { counted } from '../ui/amount.ts'
import { bold, dim, green, red, yellow } from '../ui/paint.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import type { Mended, Unmended } from './mend.ts'

export type Report = {
  readonly facts: Pick<Facts, 'role' | 'stemmaHome'>
  readonly findings: readonly Finding[]
  /** What `--fix` did and could not do; null where it was not asked for. */
  readonly fixed: { readonly mended: readonly Mended[]; readonly unmended: readonly Unmended[] } | null
}

export function tellReport(
  { out, json }: Pick<Context, 'out' | 'json'>,
  { facts, findings, fixed }: Report,
): void {
  const faults = findings.filter(({ level }) => level === 'fault').length
  const warnings = findings.length - faults
  if (json) {
    const { mended = [], unmended = [] } = fixed ?? {}
    out.json({ role: facts.role, sound: findings.length === 0, faults, warnings, findings, mended, unmended })
    return
  }
  for (const { did } of fixed?.mended ?? []) out.flow(0, green('Mended: '), did)
  for (const { why } of fixed?.unmended ?? []) out.flow(0, red('Could not be mended: '), why)
  if ((fixed?.mended.length ?? 0) + (fixed?.unmended.length ?? 0) > 0) out.line()
  for (const { level, title, means, todo } of findings) {
    out.flow(0, level === 'fault' ? red('fault') : yellow('warning'), '  ', bold(title))
    out.flow(2, means)
    out.flow(2, todo)
    out.line()
  }
  out.flow(0, sumOf(facts, faults, warnings))
  const mendable = findings.filter(({ fixable }) => fixable).length
  if (fixed === null && mendable > 0)
    out.flow(
      0,
      dim(`\`stemma doctor --fix\` mends ${mendable === findings.length ? 'that' : `${mendable} of them`}.`),
    )
}

const what: Readonly<Record<Facts['role'], string>> = {
  master: 'This master',
  follower: 'This follower',
  none: 'This machine, which is neither master nor follower yet,',
  unknown: 'This machine',
}

function sumOf({ role }: Pick<Facts, 'role'>, faults: number, warnings: number): string {
  if (faults + warnings === 0) return `${what[role]} is sound.`
  const parts = [
    ...(faults > 0 ? [counted(faults, 'fault')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ]
  return `${what[role]} has ${parts.join(' and ')}.`
}
