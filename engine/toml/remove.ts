/**
 * Takes statements out of a document, together with the comments that belong to them.
 * What belongs to a statement: the comment lines right above it and the comment on its line, as in Codex's own
 * writer. Always holds: a comment that a blank line sets apart stays, and so does the comment that opens the file.
 */
import { type Document, isPair, type Section } from './document.ts'
import { leadsTo } from './inline.ts'
import type { Pair, Trivia } from './scan.ts'
import type { Path } from './value.ts'

export function dropPair(document: Document, section: Section, pair: Pair): void {
  document.index = null
  const { body } = section
  const end = body.indexOf(pair) + 1
  let start = end - 1
  while (body[start - 1]?.kind === 'comment') start -= 1
  if (start === 0 && opensFile(document, section)) start = end - 1
  body.splice(start, end - start)
  closeGap(document, section, start)
}

/** The blank lines above a gap go when there are blank lines, or nothing, below it. */
function closeGap(document: Document, { header, body }: Section, at: number): void {
  const below = body[at]
  if (below !== undefined && below.kind !== 'blank') return
  if (at === 0) {
    // A file does not begin with a blank line just because its first statement went.
    if (header === null && document.bom === '') while (body[0]?.kind === 'blank') body.shift()
    return
  }
  // The next header keeps its distance.
  if (below === undefined && document.sections.at(-1)?.body !== body) return
  let start = at
  while (body[start - 1]?.kind === 'blank') start -= 1
  body.splice(start, at - start)
}

export function dropSections(document: Document, goes: (section: Section) => boolean): void {
  const { sections } = document
  for (let i = 0; i < sections.length; i++) {
    const section = sections[i]
    if (!section || !goes(section)) continue
    const previous = sections[i - 1]
    document.index = null
    sections.splice(i, 1)
    i -= 1
    if (previous) leave(document, section, previous)
  }
}

/** What does not belong to a dropped section stays, at the end of the one before. */
function leave(document: Document, dropped: Section, previous: Section): void {
  const kept = tailOf(dropped)
  const { body } = previous
  if (body.length === 0 && opensFile(document, previous)) {
    body.push(...dropped.lead, ...kept)
    if (dropped.lead.length === 0) while (body[0]?.kind === 'blank') body.shift()
    return
  }
  const gap: Trivia[] = []
  for (let last = body.at(-1); last?.kind === 'blank'; last = body.at(-1)) {
    gap.unshift(last)
    body.pop()
  }
  if (kept.length > 0) body.push(...kept)
  else if (document.sections.at(-1) !== previous) body.push(...gap)
}

/** The lines behind a section's last statement, from the first blank one on. */
function tailOf({ body }: Section): Trivia[] {
  const last = body.findLastIndex(isPair)
  const blank = body.findIndex(({ kind }, i) => i > last && kind === 'blank')
  return blank === -1 ? [] : body.slice(blank).filter((piece) => !isPair(piece))
}

const opensFile = (document: Document, section: Section): boolean =>
  document.sections[0] === section && section.header === null

/** Removes headers on the way to a path that hold nothing at all any more. */
export function prune(document: Document, path: Path): void {
  for (let length = path.length - 1; length > 0; length--) {
    const above = path.slice(0, length)
    const below = document.sections.filter(({ header, path: at }) => header && leadsTo(above, at))
    const [only] = below
    if (only && (below.length > 1 || only.path.length > length || !isBare(only))) return
    if (only) dropSections(document, (section) => section === only)
  }
}

const isBare = ({ lead, header, body }: Section): boolean =>
  lead.length === 0 &&
  header?.array === false &&
  !header.tail.includes('#') &&
  body.every(({ kind }) => kind === 'blank')
