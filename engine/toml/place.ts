/**
 * Where things stand in a document, and where something new belongs.
 * Always holds: what lies in an array of tables is never found by path; an array is a unit.
 */
import { type Document, isPair, type Section } from './document.ts'
import { leadsTo } from './inline.ts'
import { type Pair, scanInline } from './scan.ts'
import type { Path } from './value.ts'

export type Spot = { readonly section: Section; readonly pair: Pair; readonly path: Path }

/** The pair that is the path, or that has it in its inline table. */
export function findSpot({ sections }: Document, path: Path): Spot | null {
  for (const section of sections) {
    if (section.inArray || section.path.length >= path.length || !leadsTo(section.path, path)) continue
    for (const pair of section.body)
      if (isPair(pair) && isKeyOf(pair, section, path))
        return { section, pair, path: [...section.path, ...pair.key] }
  }
  return null
}

const isKeyOf = ({ key }: Pair, { path: above }: Section, path: Path): boolean =>
  above.length + key.length <= path.length && key.every((part, i) => part === path[above.length + i])

/** The text of the value at a path, where one statement or one entry of an inline table says it all. */
export function rawAt(document: Document, path: Path): string | null {
  const spot = findSpot(document, path)
  let raw = spot?.pair.value ?? ''
  for (let at = spot?.path.length ?? 0; spot && at < path.length; ) {
    const rest = path.slice(at)
    const entry = raw.startsWith('{') ? scanInline(raw).find(({ key }) => leadsTo(key, rest)) : undefined
    if (!entry) return null
    raw = raw.slice(entry.value, entry.end)
    at += entry.key.length
  }
  return spot && raw
}

/** The section of the table at a path; the root's when the path is empty. */
export const findSection = ({ sections }: Document, path: Path): Section | undefined =>
  sections.find(
    (section) => !section.inArray && section.path.length === path.length && leadsTo(section.path, path),
  )

/** Whether anything below or at the path is defined by a header or a dotted key. */
export const hasBelow = ({ sections }: Document, path: Path): boolean =>
  sections.some(
    (section) =>
      (section.header !== null && leadsTo(path, section.path)) ||
      (!section.inArray &&
        sharedLength(section.path, path) === section.path.length &&
        section.body.some((pair) => isPair(pair) && leadsTo(path.slice(section.path.length), pair.key))),
  )

/**
 * Where a pair of the table `parent` can go:
 * - `section`: the table's own section.
 * - `dotted`: next to the last dotted key that defines the table, or a table above it.
 * - `header`: nowhere yet, the table needs a header; before the first of its sub-tables if it has one.
 */
export type Home =
  | { readonly kind: 'section'; readonly section: Section }
  | { readonly kind: 'dotted'; readonly spot: Spot }
  | { readonly kind: 'header'; readonly before: Section | null }

export function findHome(document: Document, parent: Path): Home {
  const own = findSection(document, parent)
  if (own) return { kind: 'section', section: own }
  const dotted = findDotted(document, parent)
  if (dotted) return { kind: 'dotted', spot: dotted }
  const before = document.sections.find((section) => section.header !== null && leadsTo(parent, section.path))
  return { kind: 'header', before: before ?? null }
}

/** The last of the dotted keys that define most of a path, unless a header defines more of it. */
export function findDotted(document: Document, parent: Path): Spot | null {
  let depth = 0
  let found: Spot | null = null
  for (const section of document.sections) {
    if (section.inArray || !leadsTo(section.path, parent)) continue
    const rest = parent.slice(section.path.length)
    for (const pair of section.body) {
      if (!isPair(pair) || pair.key.length === 1) continue
      const defined = section.path.length + Math.min(sharedLength(pair.key, rest), pair.key.length - 1)
      if (defined === section.path.length || defined < depth) continue
      depth = defined
      found = { section, pair, path: [...section.path, ...pair.key] }
    }
  }
  const headed = document.sections.some(
    ({ header, path }) => header !== null && path.length >= depth && leadsTo(path, parent),
  )
  return headed ? null : found
}

function sharedLength(a: Path, b: Path): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}
