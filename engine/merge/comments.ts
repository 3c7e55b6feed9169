/**
 * Carries the comments that the user wrote around canonical statements over to the new text.
 * Always holds: a comment line that is not canonical, and was not when we last wrote, is in the result: above the
 * statement that it stood above, or at the end when that statement is gone. One that stood on a line stays on it only
 * with the value that it stood beside.
 */
import { relined, terminate } from '../toml/change.ts'
import { type Document, isPair, type Section } from '../toml/document.ts'
import { leadsTo } from '../toml/inline.ts'
import { findDotted, findSection, findSpot } from '../toml/place.ts'
import { commentsWithin, type Pair, type Trivia } from '../toml/scan.ts'
import { type Path, same, valueAt } from '../toml/value.ts'

type Anchor = { readonly section: Section; readonly pair: Pair | null }
/** Comment lines in a row; `apart` when a blank line follows them. */
type Block = { readonly lines: Trivia[]; apart: boolean }

/**
 * @param done the local statements that are in the document already, with their comments; where the user took what is
 * canonical.
 */
export function carryComments(
  document: Document,
  local: Document,
  { moved, taken }: { readonly moved: ReadonlySet<Section | Pair>; readonly taken: readonly Path[] },
  known: (comment: string) => boolean,
): void {
  let waiting: Block[] = []
  const { eol } = document
  const hear = ({ kind, text }: Trivia) => {
    const last = waiting.at(-1)
    if (kind === 'blank') {
      if (last) last.apart = true
    } else if (!known(text)) {
      const line: Trivia = { kind: 'comment', text: relined(text, eol) }
      if (last && !last.apart) last.lines.push(line)
      else waiting.push({ lines: [line], apart: false })
    }
  }
  const say = (find: () => Anchor | null) => {
    const anchor = waiting.length > 0 ? find() : null
    if (!anchor) return
    insertAbove(anchor, waiting, eol)
    waiting = []
  }
  // What found no place stands apart from whatever comes next.
  const pass = () => {
    for (const block of waiting) block.apart = true
  }

  for (const section of local.sections) {
    const whole = moved.has(section)
    if (section.header) {
      if (!whole) section.lead.forEach(hear)
      // Mostly there is nothing to carry.
      if (waiting.length > 0 || section.header.tail.includes('#')) {
        const find = () => anchorOf(document, section.path, null)
        say(find)
        const isTaken = taken.some((path) => leadsTo(path, section.path))
        if (!whole) carryTail(section.header.tail, find, !isTaken)
        pass()
      }
    }
    if (whole) continue
    for (const piece of section.body) {
      if (!isPair(piece)) {
        hear(piece)
        continue
      }
      if (waiting.length === 0 && !piece.after.includes('#') && !piece.value.includes('#')) continue
      const find = () => (section.inArray ? null : anchorOf(document, section.path, piece))
      // The comments right above a statement that moved went with it.
      if (moved.has(piece)) waiting = waiting.filter(({ apart }) => apart)
      say(find)
      if (!moved.has(piece)) {
        carryInner(piece.value, find)
        const path = section.path.concat(piece.key)
        carryTail(piece.after, find, same(valueAt(local.table, path), valueAt(document.table, path)))
      }
      pass()
    }
  }
  appendBlocks(document, waiting)

  /** What stood between the parts of a value goes above it, unless the value is the one that stood here. */
  function carryInner(value: string, find: () => Anchor | null): void {
    const own = commentsWithin(value).filter((comment) => !known(comment))
    const there = own.length > 0 ? (find()?.pair?.value ?? '') : ''
    for (const text of own) if (!there.includes(text)) hear({ kind: 'comment', text })
    say(find)
  }

  /** A comment on a statement's line stays there when it `fits` and the line has none, else it goes above. */
  function carryTail(tail: string, find: () => Anchor | null, fits: boolean): void {
    const comment = tail.trim()
    if (!comment.startsWith('#') || known(comment)) return
    const { pair, section } = find() ?? { pair: null, section: null }
    const line = pair ?? section?.header
    const there = pair ? pair.after : (section?.header?.tail ?? '')
    if (line && fits && there.trim() === '') {
      const text = relined(tail, eol)
      if (line.kind === 'pair') line.after = text
      else line.tail = text
    } else if (!there.includes(comment)) {
      hear({ kind: 'comment', text: comment })
      say(find)
    }
  }
}

/** A table that has a header here may be an inline one there, or one of dotted keys. */
function anchorOf(document: Document, path: Path, pair: Pair | null): Anchor | null {
  const section = pair === null ? findSection(document, path) : null
  if (section?.header) return { section, pair: null }
  const at = pair === null ? path : [...path, ...pair.key]
  const spot = findSpot(document, at) ?? (pair === null ? findDotted(document, at) : null)
  return spot && { section: spot.section, pair: spot.pair }
}

function insertAbove({ section, pair }: Anchor, blocks: readonly Block[], eol: string): void {
  const list = pair ? section.body : section.lead
  const at = pair ? section.body.indexOf(pair) : section.lead.length
  let first = at
  while (list[first - 1]?.kind === 'comment') first -= 1
  // What stood apart stays apart from the comments that lead the statement.
  const apart = blocks.filter((block) => block.apart).flatMap(({ lines }) => [...lines, blankLine(eol)])
  const near = blocks.filter((block) => !block.apart).flatMap(({ lines }) => lines)
  const target: (Trivia | Pair)[] = list
  target.splice(at, 0, ...near)
  target.splice(first, 0, ...apart)
}

function appendBlocks(document: Document, blocks: readonly Block[]): void {
  for (const { lines } of blocks) {
    terminate(document)
    const body = document.sections.at(-1)?.body
    const isFirst = document.sections.length === 1 && body?.length === 0
    if (body?.at(-1)?.kind !== 'blank' && !isFirst) body?.push(blankLine(document.eol))
    body?.push(...lines)
  }
}

const blankLine = (eol: string): Trivia => ({ kind: 'blank', text: eol })
