/**
 * Writes what is kept into the canonical text: local statements move as they are, with the comments around them.
 * Always holds: a canonical statement keeps its bytes unless its key is kept from here, and then its line has no
 * comment but the local one; local sections keep their order, and stand behind the canonical ones.
 */
import { append, relined, type Source, setKey, unsetKey } from '../toml/change.ts'
import { type Document, isPair, type Section } from '../toml/document.ts'
import { findDotted, findSection, findSpot, rawAt } from '../toml/place.ts'
import type { Pair, Trivia } from '../toml/scan.ts'
import { clone, emptyTable, isTable, type Path, setAt, type Value, valueAt } from '../toml/value.ts'
import { carryComments } from './comments.ts'
import type { Keep, Weighed } from './weigh.ts'

/** @param known comments that are canonical, now or when we last wrote: they do not move. */
export function weave(
  document: Document,
  local: Document,
  { keeps, taken }: Pick<Weighed, 'keeps' | 'taken'>,
  known: (comment: string) => boolean,
): void {
  const movable = keeps.filter((kept) => !place(document, local, kept))
  const open = new Set(movable)
  const wanted = toCover(movable)
  const moved = new Set<Section | Pair>()
  for (const section of local.sections) {
    const at = follow(wanted, section.path)
    if (at === undefined) continue
    const whole = at.keep
    if (whole && isInside(document, whole.path)) continue
    if (whole && (section.inArray || isFree(document, section.path))) {
      open.delete(whole)
      moved.add(section)
      append(document, [toMove(document, section, known)])
    } else if (!section.inArray) {
      if (whole && isEmptyAt(local, section.path)) setKey(document, section.path, emptyTable())
      for (const pair of section.body) {
        const kept = isPair(pair) ? follow(at, pair.key)?.keep : undefined
        if (!isPair(pair) || !kept || isInside(document, kept.path)) continue
        open.delete(kept)
        moved.add(pair)
        move(document, local, section, pair)
      }
    }
  }
  // What is part of an inline table, here or there, has no statement of its own.
  for (const { path, value } of open) if (value !== undefined) put(document, local, path, value)
  for (const { path, value } of movable) if (value !== undefined) setAt(document.table, path, clone(value))
  carryComments(document, local, { moved, taken }, known)
}

/** Without the texts of the local file, but for its comments: for when statements do not fit together. */
export function rewrite(
  document: Document,
  local: Document,
  { keeps, taken }: Pick<Weighed, 'keeps' | 'taken'>,
  known: (comment: string) => boolean,
): void {
  for (const { path, value } of keeps)
    if (value === undefined) unsetKey(document, path)
    else {
      setKey(document, path, value)
      putTail(document, local, path)
    }
  carryComments(document, local, { moved: new Set(), taken }, known)
}

/** Settles what has its place in the canonical text already. @returns false when the statement has yet to move. */
function place(document: Document, local: Document, { path, value }: Keep): boolean {
  if (value === undefined) {
    unsetKey(document, path)
    return true
  }
  if (valueAt(document.table, path) === undefined) return false
  const source = sourceOf(local, path)
  if (isTable(value) || !source || !findSpot(document, path)) {
    unsetKey(document, path)
    return false
  }
  setKey(document, path, value, source)
  putTail(document, local, path)
  return true
}

/** What the local line has behind the value, or nothing: the comment of another value says nothing of this one. */
function putTail(document: Document, local: Document, path: Path): void {
  const pair = pairAt(document, path)
  if (!pair) return
  const [, end = ''] = /(\r?\n)?$/.exec(pair.after) ?? []
  pair.after = (pairAt(local, path)?.after ?? '').replace(/\r?\n$/, '') + end
}

/** The statement that says this key and no other. */
function pairAt(document: Document, path: Path): Pair | null {
  const spot = findSpot(document, path)
  return spot?.length === path.length ? spot.pair : null
}

/** A table that no one statement says is put value by value, so that each keeps how it is written. */
function put(document: Document, local: Document, path: Path, value: Value): void {
  const source = sourceOf(local, path)
  if (source || !isTable(value) || Object.keys(value).length === 0) setKey(document, path, value, source)
  else for (const [key, one] of Object.entries(value)) put(document, local, [...path, key], one)
}

/** How the local file writes a value, without the comments around it. */
function sourceOf(local: Document, path: Path): Source | undefined {
  const raw = rawAt(local, path)
  return raw === null ? undefined : { raw, lead: [], after: '' }
}

/** What is kept, by the names of its path. */
type Cover = { keep: Keep | undefined; readonly below: Map<string, Cover> }

function toCover(keeps: readonly Keep[]): Cover {
  const root: Cover = { keep: undefined, below: new Map() }
  for (const kept of keeps) {
    let node = root
    for (const name of kept.path) {
      const next: Cover = node.below.get(name) ?? { keep: undefined, below: new Map() }
      node.below.set(name, next)
      node = next
    }
    node.keep = kept
  }
  return root
}

/** Where a path leads, or where on its way something is kept; undefined when nothing is, at, above or below it. */
function follow(cover: Cover, path: Path): Cover | undefined {
  let node: Cover | undefined = cover
  for (const name of path) {
    if (node === undefined || node.keep) break
    node = node.below.get(name)
  }
  return node
}

const isEmptyAt = ({ table }: Document, path: Path): boolean =>
  Object.keys(valueAt(table, path) ?? {}).length === 0

/** Whether a header can define this table: nothing else defines it, or a part of the way to it. */
const isFree = (document: Document, path: Path): boolean =>
  !meets(document, path) ||
  !(findSection(document, path) || findSpot(document, path) || findDotted(document, path))

/** Whether the canonical text says anything about the first name of a path: mostly it does not. */
const meets = ({ table }: Document, path: Path): boolean => valueAt(table, path.slice(0, 1)) !== undefined
const isInside = (document: Document, path: Path): boolean =>
  meets(document, path) && findSpot(document, path) !== null

/** A section as it is, in the document's line ends. */
function toMove({ eol }: Document, section: Section, known: (comment: string) => boolean): Section {
  const line = (piece: Trivia): Trivia => ({ kind: piece.kind, text: relined(piece.text, eol) })
  return {
    ...section,
    lead: section.lead.map(line),
    header: section.header && { ...section.header, tail: relined(section.header.tail, eol) },
    body: ownBody(section, known).map((piece) =>
      isPair(piece) ? { ...piece, after: relined(piece.after, eol) } : line(piece),
    ),
  }
}

/** Without the canonical comments that Codex leaves at the end of the file, and without blank lines at the end. */
function ownBody({ body }: Section, known: (comment: string) => boolean): (Trivia | Pair)[] {
  const last = body.findLastIndex(isPair)
  const own = body.filter((piece, i) => i <= last || piece.kind !== 'comment' || !known(piece.text))
  while (own.at(-1)?.kind === 'blank') own.pop()
  return own
}

function move(document: Document, local: Document, section: Section, pair: Pair): void {
  const path = [...section.path, ...pair.key]
  const value = valueAt(local.table, path)
  if (value !== undefined)
    setKey(document, path, value, { raw: pair.value, lead: leadOf(section, pair), after: pair.after })
}

/** The comment lines right above a pair. */
export function leadOf({ body }: Section, pair: Pair): string[] {
  const lead: string[] = []
  for (let at = body.indexOf(pair) - 1; body[at]?.kind === 'comment'; at -= 1) {
    const piece = body[at]
    if (piece && !isPair(piece)) lead.unshift(piece.text)
  }
  return lead
}
