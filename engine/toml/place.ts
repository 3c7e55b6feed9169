/**
 * Where things stand in a document, and where something new belongs.
 * Always holds: what lies in an array of tables is never found by path; an array is a unit. The index is made when it
 * is first asked, grows with what is added, and is thrown away when something is removed.
 */
import { type Document, isPair, type Section } from './document.ts'
import { leadsTo } from './inline.ts'
import { type Pair, scanInline } from './scan.ts'
import type { Path } from './value.ts'

/** A pair, and the length of its path. */
export type Spot = { readonly section: Section; readonly pair: Pair; readonly length: number }

/** What is said of one path; there is a node for each path at or above a header or a pair. */
export type Node = {
  /** The table's own section, unless it lies in an array. */
  section: Section | null
  headed: boolean
  pair: Spot | null
  /** The last pair whose dotted key defines this table. */
  dotted: Spot | null
  /** Most nodes are pairs, with nothing below. */
  below: Map<string, Node> | null
}

const emptyNode = (): Node => ({ section: null, headed: false, pair: null, dotted: null, below: null })

function indexOf(document: Document): Node {
  if (document.index) return document.index
  document.index = emptyNode()
  for (const section of document.sections) addSection(document, section)
  return document.index
}

/** Tells the index, if there is one, of a section that was put into the document. */
export function addSection(document: Document, section: Section): void {
  if (!document.index) return
  const node = reach(document.index, section.path)
  node.headed = section.header !== null
  if (section.inArray) return
  node.section = section
  for (const pair of section.body) if (isPair(pair)) addBelow(node, section, pair)
}

export function addPair({ index }: Document, section: Section, pair: Pair): void {
  if (index && !section.inArray) addBelow(reach(index, section.path), section, pair)
}

/** @param node the section's own. */
function addBelow(node: Node, section: Section, pair: Pair): void {
  const spot = { section, pair, length: section.path.length + pair.key.length }
  let at = node
  for (const name of pair.key) {
    if (at !== node) at.dotted = spot
    at = step(at, name)
  }
  at.pair = spot
}

const reach = (index: Node, path: Path): Node => path.reduce(step, index)

function step(node: Node, name: string): Node {
  node.below ??= new Map()
  const found = node.below.get(name)
  if (found) return found
  const next = emptyNode()
  node.below.set(name, next)
  return next
}

function nodeAt(document: Document, path: Path): Node | undefined {
  let node: Node | undefined = indexOf(document)
  for (const name of path) node = node?.below?.get(name)
  return node
}

/** The pair that is the path, or that has it in its inline table. */
export function findSpot(document: Document, path: Path): Spot | null {
  let node: Node | undefined = indexOf(document)
  for (const name of path) {
    node = node.below?.get(name)
    if (!node || node.pair) return node?.pair ?? null
  }
  return null
}

/** The text of the value at a path, where one statement or one entry of an inline table says it all. */
export function rawAt(document: Document, path: Path): string | null {
  const spot = findSpot(document, path)
  let raw = spot?.pair.value ?? ''
  for (let at = spot?.length ?? 0; spot && at < path.length; ) {
    const rest = path.slice(at)
    const entry = raw.startsWith('{') ? scanInline(raw).find(({ key }) => leadsTo(key, rest)) : undefined
    if (!entry) return null
    raw = raw.slice(entry.value, entry.end)
    at += entry.key.length
  }
  return spot && raw
}

/** The section of the table at a path; the root's when the path is empty. */
export const findSection = (document: Document, path: Path): Section | null =>
  nodeAt(document, path)?.section ?? null

/** Whether anything at or below the path is defined by a header or a dotted key. */
export const hasBelow = (document: Document, path: Path): boolean => nodeAt(document, path) !== undefined

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

/** The last of the dotted keys that define most of a path, unless a header defines as much of it. */
export function findDotted(document: Document, parent: Path): Spot | null {
  let found: Spot | null = null
  let node: Node | undefined = indexOf(document)
  for (const name of parent) {
    node = node.below?.get(name)
    if (!node) return found
    if (node.headed) found = null
    else if (node.dotted) found = node.dotted
  }
  return found
}
