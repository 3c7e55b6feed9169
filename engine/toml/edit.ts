/**
 * The span editor: changes keys of a TOML text and leaves every other byte as it is.
 * Always holds: the result means exactly what the edits make of the text's meaning, type for type. Where the editor
 * cannot write that, the document is printed anew, without its comments, and `fallback` says so.
 */
import { assert, isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { tomlBytesMax } from '../../schemas/limits.ts'
import { type Source, setKey, unsetKey } from './change.ts'
import { type Document, readDocument, render } from './document.ts'
import { readToml } from './toml.ts'
import { clone, type Path, printDocument, same, type Table, trimAt, type Value } from './value.ts'

/**
 * Sets a value (a bigint is an integer, a number a float; `source` is the text to write it with), or unsets whatever
 * is at or below the path. `prune` also removes headers above that then hold neither statement nor comment.
 */
export type Edit =
  | { readonly path: Path; readonly value: Value; readonly source?: Source }
  | { readonly path: Path; readonly unset: true; readonly prune?: boolean }
export type Edited = { readonly text: string; readonly fallback: boolean }

/** @returns a refusal `bad-config` with the line when the text is not TOML. */
export function editDocument(text: string, edits: readonly Edit[]): Edited | Refusal {
  const document = readDocument(text)
  if (isRefusal(document)) return document
  if (edits.length === 0) return { text, fallback: false }
  for (const edit of edits) {
    assert(edit.path.length > 0, 'an edit without a path')
    if ('unset' in edit) unsetKey(document, edit.path, edit.prune)
    else setKey(document, edit.path, edit.value, edit.source)
  }
  const unset = edits.flatMap((edit) => ('unset' in edit ? [edit.path] : []))
  return settle(document, document.table, unset)
}

/**
 * The document's text when it means `table`, else `table` printed.
 * A refusal when neither fits into what is read.
 * @param unset paths whose emptied tables above may be there or not: TOML writes a table of dotted keys only with a key.
 */
export function settle(document: Document, table: Table, unset: readonly Path[]): Edited | Refusal {
  const text = render(document)
  if (text.length > tomlBytesMax) return tooLong
  if (means(text, table, unset)) return { text, fallback: false }
  const printed = document.bom + printDocument(table, document.eol)
  if (printed.length > tomlBytesMax) return tooLong
  assert(means(printed, table, unset), 'a printed table is read as another')
  return { text: printed, fallback: true }
}

const tooLong = refuse('bad-config', `the result would be longer than ${tomlBytesMax} characters`)

function means(text: string, table: Table, unset: readonly Path[]): boolean {
  const read = readToml(text)
  return !isRefusal(read) && sameBut(read.table, table, unset)
}

/** Whether two tables are the same, but for what unsetting some paths has emptied above them. */
export function sameBut(a: Table, b: Table, unset: readonly Path[]): boolean {
  if (unset.length === 0) return same(a, b)
  const [left, right] = [clone(a), clone(b)]
  for (const path of unset) {
    trimAt(left, path)
    trimAt(right, path)
  }
  return same(left, right)
}
