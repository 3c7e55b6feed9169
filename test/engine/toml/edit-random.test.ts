/** S44: over random documents and edits, the result means what was asked, and what was not asked keeps its bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Edit, editDocument } from '../../../engine/toml/edit.ts'
import { leadsTo } from '../../../engine/toml/inline.ts'
import { readToml } from '../../../engine/toml/toml.ts'
import {
  clone,
  isTable,
  type Path,
  same,
  type Table,
  trimAt,
  type Value,
  valueAt,
} from '../../../engine/toml/value.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { documentText, edit } from './generate.ts'
import { isSubsequence, type Said, statementsOf } from './statements.ts'

const numRuns = Number(process.env['STEMMA_MERGE_CASES'] ?? 600)
fc.configureGlobal({ seed: Number(process.env['STEMMA_MERGE_SEED'] ?? 43) })

function parsed(text: string): Table {
  const read = readToml(text)
  if (isRefusal(read)) throw new Error(`not TOML: ${read.why}\n${text}`)
  return read.table
}

/** What an edit means, said once more and apart from the editor. */
function apply(table: Table, { path, ...what }: Edit): void {
  let at: Table = table
  for (const key of path.slice(0, -1)) {
    const next = at[key]
    if (isTable(next)) at = next
    else if ('unset' in what) return
    else at = at[key] = Object.create(null) as Table
  }
  const last = path.at(-1) ?? ''
  if ('unset' in what) delete at[last]
  else at[last] = clone(what.value as Value)
}

/** The path, or the first array or plain value on the way, which gives way to a table. */
function reach(table: Table, path: Path): Path {
  const end = path.findIndex((_, i) => {
    const found = valueAt(table, path.slice(0, i + 1))
    return found !== undefined && !isTable(found)
  })
  return end === -1 ? path : path.slice(0, end + 1)
}

test('S44: an edited document means the edit, type for type, and all else keeps its bytes', () => {
  let fallbacks = 0
  fc.assert(
    fc.property(documentText, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      const done = editDocument(text, edits)
      if (isRefusal(done)) throw new Error(done.why)
      const expected = parsed(text)
      const found = parsed(done.text)
      const gone = edits.map((one) => {
        const reached = reach(expected, one.path)
        apply(expected, one)
        return 'unset' in one ? one.path : reached
      })
      for (const one of edits)
        if ('unset' in one) {
          trimAt(expected, one.path)
          trimAt(found, one.path)
        }
      if (!same(found, expected)) throw new Error(`another meaning:\n${done.text}`)
      fallbacks += done.fallback ? 1 : 0
      if (done.fallback) throw new Error(`printed anew:\n${text}\n-->\n${done.text}`)
      expect(done.text.startsWith('\ufeff')).toBe(text.startsWith('\ufeff'))
      const touched = ({ kind, path }: Said) =>
        gone.some((one, i) => {
          if (leadsTo(one, path)) return path.length > 0
          const pruned = kind === 'header' && Object.hasOwn(edits[i] ?? {}, 'prune')
          return (kind === 'pair' || pruned) && leadsTo(path, one)
        })
      const kept = statementsOf(text).filter((said) => !touched(said))
      const now = statementsOf(done.text).map((one) => one.text)
      if (
        !isSubsequence(
          kept.map((one) => one.text),
          now,
        )
      )
        throw new Error(`lost a statement:\n${text}\n-->\n${done.text}`)
    }),
    { numRuns },
  )
  expect(fallbacks).toBe(0)
})
