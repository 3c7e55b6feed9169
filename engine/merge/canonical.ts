/**
 * What a master publishes of its config.toml or of a profile: the text without the keys of its machine.
 * Always holds: everything else keeps its bytes; a file to which Codex only added machine keys gives the same text.
 */

import { machineRules, type RuleNode } from '../../schemas/config-key.ts'
import { isRefusal, type Refusal } from '../../schemas/fault.ts'
import { unsetKey } from '../toml/change.ts'
import { type Document, readDocument } from '../toml/document.ts'
import { settle } from '../toml/edit.ts'
import { readToml } from '../toml/toml.ts'
import { isTable, type Path, printPath, type Table } from '../toml/value.ts'

/** `taken`: the machine's keys that were left out. */
export type Canonical = {
  readonly text: string
  readonly fallback: boolean
  readonly taken: readonly string[]
}

/** @returns a refusal `bad-config` with the line when the text is not TOML. */
export function canonicalOf(text: string): Canonical | Refusal {
  const document = readDocument(text)
  if (isRefusal(document)) return document
  const taken = machinePaths(document.table)
  if (taken.length === 0) return { text, fallback: false, taken: [] }
  for (const path of taken) unsetKey(document, path, true)
  return { ...settle(document, document.table, taken), taken: taken.map(printPath) }
}

/** A canonical file as a document, without what it still has of another machine. */
export function readCanonical(text: string): Document | Refusal {
  const document = readDocument(text)
  if (isRefusal(document) || machinePaths(document.table).length === 0) return document
  const published = canonicalOf(text)
  return isRefusal(published) ? published : readDocument(published.text)
}

/** The same, as a table: emptied tables are there or not exactly as they are in the document. */
export function readCanonicalTable(text: string): Table | null {
  const read = readToml(text)
  if (isRefusal(read)) return null
  if (machinePaths(read.table).length === 0) return read.table
  const document = readCanonical(text)
  return isRefusal(document) ? null : document.table
}

/** The highest paths that belong to the machine. */
export function machinePaths(table: Table): Path[] {
  const paths: Path[] = []
  const walk = (at: Table, above: Path, rules: RuleNode) => {
    for (const key of Object.keys(at)) {
      const node = rules.next(key)
      const value = at[key]
      if (node?.ends) paths.push([...above, key])
      else if (node && isTable(value)) walk(value, [...above, key], node)
    }
  }
  walk(table, [], machineRules)
  return paths
}
