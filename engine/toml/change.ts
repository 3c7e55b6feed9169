/**
 * Sets and unsets keys of a document: the smallest change to its text, and the same change to its meaning.
 * Always holds: pieces that an edit does not name keep their bytes. Whether the text then says what it should is
 * judged by the caller (`edit.ts`), for the whole document at once.
 */
import { type Document, isEmpty, isPair, type Section, toSections } from './document.ts'
import { leadsTo, setInline, unsetInline } from './inline.ts'
import { addPair, addSection, findDotted, findHome, findSpot, hasBelow } from './place.ts'
import { dropPair, dropSections, prune } from './remove.ts'
import type { Pair, Trivia } from './scan.ts'
import {
  clone,
  emptyTable,
  isTable,
  type Path,
  printPath,
  printSections,
  printValue,
  same,
  setAt,
  type Table,
  unsetAt,
  type Value,
  valueAt,
} from './value.ts'

/** A statement as somebody else wrote it: the value's text, the comment lines above, and what follows it. */
export type Source = { readonly raw: string; readonly lead: readonly string[]; readonly after: string }

/** Everything on the way to the key that is no table gives way to one. */
export function setKey(document: Document, path: Path, value: Value, source?: Source): void {
  for (let length = 1; length < path.length; length++) {
    const above = path.slice(0, length)
    const found = valueAt(document.table, above)
    if (found === undefined) break
    if (!isTable(found)) {
      setKey(document, above, nest(path.slice(length), value))
      return
    }
  }
  const raw = source?.raw ?? printValue(value)
  const spot = findSpot(document, path)
  if (spot && spot.length < path.length && !source && isTable(value) && Object.keys(value).length > 0) {
    // In an inline table a new table is written by dotted keys.
    unsetKey(document, path)
    for (const [key, one] of Object.entries(value)) setKey(document, [...path, key], one)
    return
  }
  if (spot) {
    const { pair } = spot
    if (spot.length === path.length) pair.value = raw
    else pair.value = setInline(pair.value, path.slice(spot.length), raw)
  } else if (hasBelow(document, path)) {
    const found = valueAt(document.table, path)
    if (isTable(value) && isTable(found) && Object.keys(value).length > 0) {
      setWithin(document, path, found, value)
      return
    }
    unsetKey(document, path)
    insert(document, path, value, source)
  } else insert(document, path, value, source)
  setAt(document.table, path, clone(value))
}

/** A table that has statements of its own: only what differs is touched. */
function setWithin(document: Document, path: Path, found: Table, value: Table): void {
  for (const key of Object.keys(found)) if (!Object.hasOwn(value, key)) unsetKey(document, [...path, key])
  for (const [key, one] of Object.entries(value))
    if (!same(valueAt(document.table, [...path, key]), one)) setKey(document, [...path, key], one)
}

/** @param tidy also removes the headers above it that then hold neither statement nor comment. */
export function unsetKey(document: Document, path: Path, tidy = false): void {
  // Not a table on the way, an array for instance: nothing of ours lies behind it.
  if (!isTable(valueAt(document.table, path.slice(0, -1)))) return
  const spot = findSpot(document, path)
  if (spot && spot.length < path.length) {
    if (spot.pair.value.startsWith('{'))
      spot.pair.value = unsetInline(spot.pair.value, path.slice(spot.length))
  } else {
    dropSections(document, (section) => section.header !== null && leadsTo(path, section.path))
    for (const section of document.sections) {
      if (section.inArray) continue
      for (const piece of [...section.body])
        if (isPair(piece) && leadsTo(path, [...section.path, ...piece.key]))
          dropPair(document, section, piece)
    }
  }
  unsetAt(document.table, path)
  if (tidy) prune(document, path)
}

function nest(path: Path, value: Value): Table {
  const table = emptyTable()
  setAt(table, path, value)
  return table
}

function insert(document: Document, path: Path, value: Value, source?: Source): void {
  const parent = path.slice(0, -1)
  if (isTable(value) && !source && Object.keys(value).length > 0) {
    if (findDotted(document, parent) === null)
      append(document, toSections(printSections(value, path, document.eol)).slice(1))
    else for (const [key, one] of Object.entries(value)) insert(document, [...path, key], one)
    return
  }
  const raw = source?.raw ?? printValue(value)
  const line: Line = { path, raw, lead: source?.lead ?? [], after: source?.after ?? '' }
  const home = findHome(document, parent)
  if (home.kind === 'section') insertLine(document, home.section, line, lastPair(home.section))
  else if (home.kind === 'dotted') insertLine(document, home.spot.section, line, home.spot.pair)
  else {
    for (const section of toSections(`[${printPath(parent)}]${document.eol}`).slice(1)) {
      if (home.before === null) append(document, [section])
      else insertBefore(document, section, home.before)
      insertLine(document, section, line)
    }
  }
}

type Line = Source & { readonly path: Path }

const lastPair = ({ body }: Section): Pair | undefined => body.findLast(isPair)

function insertLine(document: Document, section: Section, line: Line, after?: Pair): void {
  const indent = /^[ \t]*/.exec(after?.before ?? '')?.[0] ?? ''
  const key = line.path.slice(section.path.length)
  const pair: Pair = {
    kind: 'pair',
    key,
    before: `${indent}${printPath(key)} = `,
    value: line.raw,
    after: relined(line.after, document.eol),
  }
  const lead: Trivia[] = line.lead.map((text) => ({ kind: 'comment', text: relined(text, document.eol) }))
  terminate(document)
  const { body } = section
  addPair(document, section, pair)
  if (after) body.splice(body.indexOf(after) + 1, 0, ...lead, pair)
  else if (section.header) body.unshift(...lead, pair)
  else {
    // The comments that open a file stay apart from its first statement.
    if (body.length > 0 && body.at(-1)?.kind !== 'blank') body.push(blank(document))
    body.push(...lead, pair)
    if (document.sections.length > 1) body.push(blank(document))
  }
}

/** Puts sections at the end, one blank line apart from what is there. */
export function append(document: Document, sections: readonly Section[]): void {
  for (const section of sections) {
    terminate(document)
    const last = document.sections.at(-1)
    if (last && (last.header || last.body.length > 0) && last.body.at(-1)?.kind !== 'blank')
      last.body.push(blank(document))
    document.sections.push(section)
    addSection(document, section)
  }
  terminate(document)
}

function insertBefore(document: Document, section: Section, next: Section): void {
  const at = document.sections.indexOf(next)
  const previous = document.sections[at - 1]
  if (previous && !isEmpty(previous) && previous.body.at(-1)?.kind !== 'blank')
    previous.body.push(blank(document))
  section.body.push(blank(document))
  document.sections.splice(at, 0, section)
  addSection(document, section)
}

const blank = (document: Document): Trivia => ({ kind: 'blank', text: document.eol })

/** The last line gets a line end, so that another can follow. */
export function terminate({ sections, eol }: Document): void {
  const last = sections.findLast(({ header, body }) => header !== null || body.length > 0)
  if (!last) return
  const piece = last.body.at(-1)
  if (piece?.kind === 'pair') piece.after = ended(piece.after, eol)
  else if (piece) piece.text = ended(piece.text, eol)
  else if (last.header) last.header.tail = ended(last.header.tail, eol)
}

const ended = (text: string, eol: string): string => (text.endsWith('\n') ? text : text + eol)

/** The end of one line in the document's way. */
export function relined(text: string, eol: string): string {
  const line = text.endsWith('\n') ? text.slice(0, text.endsWith('\r\n') ? -2 : -1) : text
  return line + eol
}
