/** Sizes, times and counts as people say them. */

export { size } from '../../schemas/amount.ts'

const steps = [
  { unit: 's', ms: 1000, below: 60_000 },
  { unit: 'min', ms: 60_000, below: 3_600_000 },
  { unit: 'h', ms: 3_600_000, below: 48 * 3_600_000 },
  { unit: 'days', ms: 86_400_000, below: Number.POSITIVE_INFINITY },
] as const

/** How long something took or takes: `40 ms`, `1.2 s`, `3 min`, `5 days`. Never more than it was. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.floor(ms))} ms`
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  for (const { unit, ms: one, below } of steps) if (ms < below) return `${Math.floor(ms / one)} ${unit}`
  return `${ms} ms`
}

/** How long ago, by this machine's clock, which may be behind the one that told the time. */
export function ago(thenMs: number, nowMs: number): string {
  const past = nowMs - thenMs
  if (past < -60_000) return `${duration(-past)} ahead of this clock`
  if (past < 1000) return 'just now'
  return `${past < 60_000 ? `${Math.floor(past / 1000)} s` : duration(past)} ago`
}

/** A moment, in the same form everywhere: `2025-01-31 08:15:02 UTC`. */
export function moment(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime())
    ? 'an unknown time'
    : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `1 file`, `3 files`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
