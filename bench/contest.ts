/**
 * Measures several ways to do one thing, in turns: A B C A B C …, so that whatever else the machine does meets
 * all of them alike.
 * Always holds: one round that warms caches and compilers comes first and is not counted; a ratio is made of two
 * values of the same round.
 */
import type { Figure, Goal, Side } from './report.ts'

export type Contender = {
  readonly name: string
  readonly role: Side['role']
  /** Does the thing once; returns what it took or reached, in the unit of the figure. */
  measure(round: number): Promise<number>
}
export type Absent = { readonly name: string; readonly why: string }
/**
 * `least` and `most` bound the median of a side, or of its ratio to the side `to`, or of what it is `above` that side.
 */
export type Aim = {
  readonly side: string
  readonly to?: string
  readonly above?: string
  readonly least?: number
  readonly most?: number
  /** Bounds the 99th percentile of a side. */
  readonly p99?: number
  readonly text: string
}
export type Contest = Pick<Figure, 'id' | 'what' | 'unit' | 'better'> & {
  readonly rounds: number
  /** Ours first: every other side is compared with the first one. */
  readonly contenders: readonly (Contender | Absent)[]
  /** Unless there is a side that each of ours is compared with. */
  readonly beside?: string
  readonly aims?: readonly Aim[]
  readonly notes?: readonly string[]
}

export async function contest({
  contenders,
  rounds,
  aims = [],
  notes = [],
  ...facts
}: Contest): Promise<Figure> {
  const present = contenders.filter((one): one is Contender => 'measure' in one)
  const values = new Map(present.map(({ name }): [string, number[]] => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, measure } of present) {
      const value = await measure(round)
      if (round > 0) values.get(name)?.push(value)
    }
  }
  const sides = present.map(({ name, role }) => sideOf(name, role, values.get(name) ?? []))
  return figureOf(
    { ...facts, rounds, aims, notes },
    sides,
    contenders.filter((one): one is Absent => 'why' in one),
  )
}

/** A figure out of what was measured elsewhere. */
export function figureOf(
  { aims = [], notes = [], beside, ...facts }: Omit<Contest, 'contenders'>,
  sides: readonly Side[],
  skipped: readonly Absent[] = [],
): Figure {
  const [first, ...others] = sides
  const base = sides.find(({ name }) => name === beside)
  const pairs = base
    ? sides.filter(({ role }) => role === 'ours').map((ours) => [ours, base] as const)
    : first
      ? others.map((other) => [first, other] as const)
      : []
  return {
    ...facts,
    sides: [...sides],
    ratios: pairs.map(([of, to]) => ({ of: of.name, to: to.name, ...spreadOf(byRound(of, to, divide)) })),
    goals: aims.map((aim) => judge(aim, sides)),
    notes: [...notes],
    skipped: [...skipped],
  }
}

export const sideOf = (name: string, role: Side['role'], values: readonly number[]): Side => ({
  name,
  role,
  ...spreadOf(values),
  p99: quantile(values, 0.99),
  values: [...values],
})

export const spreadOf = (values: readonly number[]) => ({
  median: quantile(values, 0.5),
  min: Math.min(...values),
  max: Math.max(...values),
})

const divide = (a: number, b: number): number => a / b
const byRound = (of: Side, to: Side, by: (a: number, b: number) => number): number[] =>
  of.values.map((value, round) => by(value, to.values[round] ?? Number.NaN))

function judge({ side, to, above, least, most, p99, text }: Aim, sides: readonly Side[]): Goal {
  const ours = sides.find(({ name }) => name === side)
  const other = sides.find(({ name }) => name === (to ?? above))
  if (!ours || ((to ?? above) !== undefined && !other)) return { text, met: null }
  const by = to === undefined ? (a: number, b: number) => a - b : divide
  const reached = other ? spreadOf(byRound(ours, other, by)).median : ours.median
  const isReached = reached >= (least ?? reached) && reached <= (most ?? reached)
  return { text, met: isReached && ours.p99 <= (p99 ?? ours.p99) }
}

/** Between the two nearest values, as far as they stand apart. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? low
  return low + (high - low) * (place - Math.floor(place))
}
