/**
 * What differs between two lists of lines, as a unified diff shows it. Pure.
 * Always holds: taking away the lines with `-` and those with `+` leaves the same lines of both; the work is bounded by
 * `diffEditsMax`, beyond which what lies between the equal ends counts as replaced whole.
 */
import { diffContextLines, diffEditsMax } from '../../schemas/limits.ts'

/** A line of `before` and its twin in `after`, or a line of one of them alone. Indices from 0. */
export type Edit =
  | { readonly mark: ' '; readonly before: number; readonly after: number }
  | { readonly mark: '-'; readonly before: number }
  | { readonly mark: '+'; readonly after: number }

/** Neighbouring edits, with what surrounds them. Starts are lines from 1, as the header of a hunk counts. */
export type Hunk = {
  readonly edits: readonly Edit[]
  readonly beforeStart: number
  readonly beforeCount: number
  readonly afterStart: number
  readonly afterCount: number
}

type Lines = readonly string[]

export function diffLines(before: Lines, after: Lines): readonly Hunk[] {
  return hunksOf(editsOf(before, after))
}

export function editsOf(before: Lines, after: Lines): Edit[] {
  let head = 0
  while (head < before.length && head < after.length && before[head] === after[head]) head++
  let tail = 0
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail++
  const edits: Edit[] = []
  for (let at = 0; at < head; at++) edits.push({ mark: ' ', before: at, after: at })
  const middle = between(before.slice(head, before.length - tail), after.slice(head, after.length - tail))
  for (const edit of middle) edits.push(moved(edit, head))
  for (let at = tail; at > 0; at--)
    edits.push({ mark: ' ', before: before.length - at, after: after.length - at })
  return edits
}

function moved(edit: Edit, by: number): Edit {
  if (edit.mark === ' ') return { mark: ' ', before: edit.before + by, after: edit.after + by }
  return edit.mark === '-' ? { mark: '-', before: edit.before + by } : { mark: '+', after: edit.after + by }
}

/** Myers' shortest way through the grid of two texts, and back again. */
function between(before: Lines, after: Lines): Edit[] {
  const [n, m] = [before.length, after.length]
  const most = Math.min(n + m, diffEditsMax)
  const reached = new Map<number, number>([[1, 0]])
  const at = (diagonal: number) => reached.get(diagonal) ?? -1
  const trace: Map<number, number>[] = []
  for (let cost = 0; cost <= most; cost++) {
    trace.push(new Map(reached))
    for (let k = -cost; k <= cost; k += 2) {
      let x = k === -cost || (k !== cost && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1
      while (x < n && x - k < m && before[x] === after[x - k]) x++
      reached.set(k, x)
      if (x >= n && x - k >= m) return wayBack(trace, n, m)
    }
  }
  return [
    ...before.map((_, line): Edit => ({ mark: '-', before: line })),
    ...after.map((_, line): Edit => ({ mark: '+', after: line })),
  ]
}

function wayBack(trace: readonly Map<number, number>[], n: number, m: number): Edit[] {
  const edits: Edit[] = []
  let [x, y] = [n, m]
  for (let cost = trace.length - 1; cost >= 0; cost--) {
    const reached = trace[cost]
    const at = (diagonal: number) => reached?.get(diagonal) ?? -1
    const k = x - y
    const down = k === -cost || (k !== cost && at(k - 1) < at(k + 1))
    const from = down ? k + 1 : k - 1
    const [fromX, fromY] = [at(from), at(from) - from]
    while (x > Math.max(fromX, 0) && y > Math.max(fromY, 0))
      edits.push({ mark: ' ', before: --x, after: --y })
    if (cost === 0) break
    if (down) edits.push({ mark: '+', after: --y })
    else edits.push({ mark: '-', before: --x })
  }
  return edits.reverse()
}

function hunksOf(edits: readonly Edit[]): Hunk[] {
  const changed = edits.flatMap((edit, index) => (edit.mark === ' ' ? [] : [index]))
  const ranges: { from: number; to: number }[] = []
  for (const index of changed) {
    const from = Math.max(0, index - diffContextLines)
    const to = Math.min(edits.length, index + diffContextLines + 1)
    const last = ranges.at(-1)
    if (last && from <= last.to) last.to = to
    else ranges.push({ from, to })
  }
  return ranges.map(({ from, to }) => {
    const inside = edits.slice(from, to)
    const above = edits.slice(0, from)
    const [beforeAbove, afterAbove] = [countOf(above, '-'), countOf(above, '+')]
    const [beforeCount, afterCount] = [countOf(inside, '-'), countOf(inside, '+')]
    return {
      edits: inside,
      // As diff has it: of nothing, the line above.
      beforeStart: beforeAbove + (beforeCount === 0 ? 0 : 1),
      beforeCount,
      afterStart: afterAbove + (afterCount === 0 ? 0 : 1),
      afterCount,
    }
  })
}

const countOf = (edits: readonly Edit[], side: '-' | '+'): number =>
  edits.filter(({ mark }) => mark === ' ' || mark === side).length
