/**
 * A TOML file as sections of pieces, which edits change in place.
 * Always holds: `render(readDocument(text))` is the text, byte for byte.
 */
import { isRefusal, type Refusal } from '../../schemas/fault.ts'
import { leadsTo } from './inline.ts'
import type { Node } from './place.ts'
import { type Header, type Pair, scan, type Trivia } from './scan.ts'
import { readToml } from './toml.ts'
import type { Path, Table } from './value.ts'

/** A header with what stands below it, down to the comments that lead the next header. The first one has no header. */
export type Section = {
  /** The comment lines right above the header. */
  lead: Trivia[]
  readonly header: Header | null
  readonly path: Path
  /** It lies in an element of an array of tables: no path of ours leads there. */
  readonly inArray: boolean
  body: (Trivia | Pair)[]
}

export type Document = {
  readonly bom: string
  readonly eol: string
  readonly sections: Section[]
  /** What the text means; every edit changes both. */
  readonly table: Table
  /** Where paths are, as far as that was asked (`place.ts`). */
  index: Node | null
}

/** @returns a refusal `bad-config` with the line when the text is not TOML. */
export function readDocument(text: string): Document | Refusal {
  const read = readToml(text)
  if (isRefusal(read)) return read
  const bom = bomOf(text)
  const eol = text[text.indexOf('\n') - 1] === '\r' ? '\r\n' : '\n'
  return { bom, eol, sections: toSections(text.slice(bom.length)), table: read.table, index: null }
}

/** The sections of a text that the parser has passed. */
export const cutDocument = (text: string): Section[] => toSections(text.slice(bomOf(text).length))

const bomOf = (text: string): string => (text.startsWith('\ufeff') ? '\ufeff' : '')

/** The sections of a text without byte-order mark. */
export function toSections(text: string): Section[] {
  let current: Section = { lead: [], header: null, path: [], inArray: false, body: [] }
  const sections = [current]
  const arrays: Path[] = []
  for (const piece of scan(text)) {
    if (piece.kind !== 'header') {
      current.body.push(piece)
      continue
    }
    const lead = takeLead(current.body)
    const known = arrays.some((path) => leadsTo(path, piece.path))
    if (piece.array && !known) arrays.push(piece.path)
    const inArray = known || piece.array
    current = { lead, header: piece, path: piece.path, inArray, body: [] }
    sections.push(current)
  }
  return sections
}

/** Takes the comment lines off the end of a body: they belong to what follows. */
function takeLead(body: (Trivia | Pair)[]): Trivia[] {
  const lead: Trivia[] = []
  for (let last = body.at(-1); last?.kind === 'comment'; last = body.at(-1)) {
    lead.unshift(last)
    body.pop()
  }
  return lead
}

/** Joined in one go: a text that is added up piece by piece costs more to read than to parse. */
export function render({ bom, sections }: Document): string {
  const parts: string[] = [bom]
  for (const { lead, header, body } of sections) {
    for (const piece of lead) parts.push(piece.text)
    if (header) parts.push(header.text, header.tail)
    for (const piece of body)
      if (isPair(piece)) parts.push(piece.before, piece.value, piece.after)
      else parts.push(piece.text)
  }
  return parts.join('')
}

export const isPair = (piece: Trivia | Pair): piece is Pair => piece.kind === 'pair'
export const isEmpty = ({ header, lead, body }: Section): boolean =>
  header === null && lead.length === 0 && body.length === 0
