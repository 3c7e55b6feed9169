/**
 * Measures several ways to do one thing, in turns: A B C A B C …, so that whatever else the machine does meets
 * all of them alike.
 * Always holds: one round that warms caches and compilers comes first and is not counted; a ratio is made of two
 * values of the same round.
 */
import type { Figure, Goal, Ratio, Side } from './report.ts'

export type Contender = {
  readonly name: string
  readonly role: Side['role']
  /** Does the thing once; returns what it took or reached, in the unit of the figure. */
  measure(round: number): Promise<number>
}
export type Absent = { readonly name: string; readonly why: string }
/** `least` and `most` bound the median of a side, or, with `to`, the median of its ratio to that side. */
export type Aim = {
  readonly side: string
  readonly to?: string
  readonly least?: number
  readonly most?: number
  readonly text: string
}
export type Contest = Pick<Figure, 'id' | 'what' | 'unit' | 'better'> & {
  readonly rounds: number
  /** Ours first: every other side is compared with the first one. */
  readonly contenders: readonly (Contender | Absent)[]
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
  { aims = [], notes = [], ...facts }: Omit<Contest, 'contenders'>,
  sides: readonly Side[],
  skipped: readonly Absent[] = [],
): Figure {
  const [ours, ...others] = sides
  const ratios = ours ? others.map((other) => ratioOf(ours, other)) : []
  return {
    ...facts,
    sides: [...sides],
    ratios,
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

function ratioOf(of: Side, to: Side): Ratio {
  const pairs = of.values.map((value, round) => value / (to.values[round] ?? Number.NaN))
  return { of: of.name, to: to.name, ...spreadOf(pairs) }
}

function judge({ side, to, least, most, text }: Aim, sides: readonly Side[]): Goal {
  const ours = sides.find(({ name }) => name === side)
  const other = sides.find(({ name }) => name === to)
  if (!ours || (to !== undefined && !other)) return { text, met: null }
  const reached = other ? ratioOf(ours, other).median : ours.median
  return { text, met: reached >= (least ?? reached) && reached <= (most ?? reached) }
}

/** Between the two nearest values, as far as they stand apart. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? low
  return low + (high - low) * (place - Math.floor(place))
}
