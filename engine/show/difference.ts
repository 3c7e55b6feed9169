/**
 * A difference as it may be shown: unified, bounded, and without what may be secret.
 * Always holds: lines are compared as they are and shown redacted, so that two secrets that differ are seen to differ;
 * what a line holds beyond `diffLineLettersMax`, and lines beyond `diffLinesMax`, are counted and not shown.
 */
import { diffLineLettersMax, diffLinesMax } from '../../schemas/limits.ts'
import { diffLines, type Edit } from './diff.ts'

/** Each line begins with its mark: a space, `-` for what lies here, `+` for what is canonical, `@` above a hunk, `\\` for a remark. */
export type Difference = { readonly lines: readonly string[]; readonly more: number }

/** One side: its lines as they are, and as they may be shown; which one of them has no end of line. */
export type Side = {
  readonly raw: readonly string[]
  readonly shown: readonly string[]
  readonly open?: number
}

export function difference(here: Side, canonical: Side): Difference {
  const lines: string[] = []
  for (const { edits, ...at } of diffLines(here.raw, canonical.raw)) {
    lines.push(
      `@@ -${range(at.beforeStart, at.beforeCount)} +${range(at.afterStart, at.afterCount)} @@`,
      ...edits.flatMap((edit) => lineOf(edit, here, canonical)),
    )
  }
  return { lines: lines.slice(0, diffLinesMax), more: Math.max(0, lines.length - diffLinesMax) }
}

const range = (start: number, count: number): string => (count === 1 ? `${start}` : `${start},${count}`)

function lineOf(edit: Edit, here: Side, canonical: Side): string[] {
  const [side, at] = edit.mark === '+' ? [canonical, edit.after] : [here, edit.before]
  const text = side.shown[at] ?? ''
  const line = `${edit.mark}${text.length > diffLineLettersMax ? `${text.slice(0, diffLineLettersMax)}…` : text}`
  return at === side.open ? [line, '\\ No newline at the end'] : [line]
}
