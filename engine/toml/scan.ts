/**
 * Where statements begin and end. A text is cut into pieces: key/value pairs, headers, comment and blank lines.
 * Always holds: the pieces, joined, are the text. The text has passed the parser: what is odd here is a bug there.
 */
import { assert, isRefusal } from '../../schemas/fault.ts'
import { readToml } from './toml.ts'
import type { Path } from './value.ts'

/** A whole line that says nothing to a parser, with its line end. */
export type Trivia = { readonly kind: 'blank' | 'comment'; text: string }
/** `before` is indent, key and `=`; `after` is the rest of the line, comment and line end included. */
export type Pair = { readonly kind: 'pair'; readonly key: Path; before: string; value: string; after: string }
/** A header's whole line; `tail` is what follows the bracket. */
export type Header = {
  readonly kind: 'header'
  readonly array: boolean
  readonly path: Path
  text: string
  tail: string
}
export type Piece = Trivia | Pair | Header

/** @param text without byte-order mark. */
export function scan(text: string): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < text.length; ) {
    const start = at
    at = skipSpace(text, at)
    const c = text[at]
    if (c === '[') {
      const array = text[at + 1] === '['
      const key = readKey(text, at + (array ? 2 : 1), ']')
      const closed = key.end + (array ? 2 : 1)
      at = lineEnd(text, closed)
      const piece = { path: key.path, text: text.slice(start, closed), tail: text.slice(closed, at) }
      pieces.push({ kind: 'header', array, ...piece })
    } else if (c === undefined || c === '\n' || c === '\r' || c === '#') {
      at = lineEnd(text, at)
      pieces.push({ kind: c === '#' ? 'comment' : 'blank', text: text.slice(start, at) })
    } else {
      const key = readKey(text, at, '=')
      const value = skipSpace(text, key.end + 1)
      const end = skipValue(text, value)
      at = lineEnd(text, end)
      pieces.push({
        kind: 'pair',
        key: key.path,
        before: text.slice(start, value),
        value: text.slice(value, end),
        after: text.slice(end, at),
      })
    }
  }
  return pieces
}

/** One entry of an inline table, as offsets into its text. */
export type Entry = {
  readonly key: Path
  readonly start: number
  readonly value: number
  readonly end: number
}

/** @param text from `{` to `}`. */
export function scanInline(text: string): Entry[] {
  const entries: Entry[] = []
  for (let at = skipVoid(text, 1); text[at] !== '}'; at = skipVoid(text, at)) {
    if (text[at] === ',') {
      at += 1
      continue
    }
    const key = readKey(text, at, '=')
    const value = skipSpace(text, key.end + 1)
    const end = skipValue(text, value, true)
    entries.push({ key: key.path, start: at, value, end })
    at = end
  }
  return entries
}

/** What most keys are: names without quotes, and no space around their dots. */
const plain = /^[A-Za-z0-9_.-]+$/

/** A dotted key and the offset of what follows it: `=` or `]`. */
function readKey(text: string, start: number, mark: '=' | ']'): { path: string[]; end: number } {
  const end = text.indexOf(mark, start)
  const raw = text.slice(start, end).trim()
  if (!plain.test(raw)) return readOddKey(text, start)
  return { path: raw.includes('.') ? raw.split('.') : [raw], end }
}

function readOddKey(text: string, start: number): { path: string[]; end: number } {
  const path: string[] = []
  for (let at = skipSpace(text, start); ; at = skipSpace(text, at)) {
    const c = text[at]
    assert(c !== undefined && c !== '\n', 'a key has no end')
    if (c === '.') at += 1
    else if (c === '=' || c === ']') return { path, end: at }
    else {
      const end = c === '"' || c === "'" ? skipString(text, at) : skipBare(text, at)
      path.push(nameOf(text.slice(at, end)))
      at = end
    }
  }
}

function nameOf(raw: string): string {
  if (raw[0] === "'") return raw.slice(1, -1)
  if (raw[0] !== '"') return raw
  if (!raw.includes('\\')) return raw.slice(1, -1)
  const read = readToml(`k = ${raw}`)
  const name = isRefusal(read) ? undefined : read.table['k']
  assert(typeof name === 'string', 'a quoted key is no string')
  return name
}

function skipBare(text: string, start: number): number {
  const end = jump(/[^A-Za-z0-9_-]/g, text, start)
  assert(end > start, 'a key has an odd character')
  return end
}

/** From the first character of a value to behind its last one. */
function skipValue(text: string, start: number, inline = false): number {
  const c = text[start]
  if (c === '"' || c === "'") return skipString(text, start)
  if (c === '[' || c === '{') return skipBrackets(text, start)
  // A date may have a space in it: a bare value ends where the line, its comment or its container goes on.
  const end = jump(inline ? /[,}#\n]/g : /[#\n]/g, text, start)
  return start + text.slice(start, end).trimEnd().length
}

function skipBrackets(text: string, start: number): number {
  let depth = 0
  for (let at = start; ; at = jump(/["'#[\]{}]/g, text, at)) {
    const c = text[at]
    assert(c !== undefined, 'a bracket is not closed')
    if (c === '"' || c === "'") at = skipString(text, at)
    else if (c === '#') at = lineEnd(text, at)
    else {
      at += 1
      if (c === '[' || c === '{') depth += 1
      else if (--depth === 0) return at
    }
  }
}

/** The comments between the parts of a value. */
export function commentsWithin(value: string): string[] {
  const comments: string[] = []
  if (value[0] !== '[' && value[0] !== '{') return comments
  for (let at = 0; at < value.length; at = jump(/["'#]/g, value, at)) {
    const c = value[at]
    if (c === '"' || c === "'") at = skipString(value, at)
    else if (c === '#') {
      const start = at
      at = lineEnd(value, at)
      comments.push(value.slice(start, at).trim())
    } else at += 1
  }
  return comments
}

function skipString(text: string, start: number): number {
  const quote = text[start] ?? ''
  const triple = quote === '"' ? '"""' : "'''"
  const mark = text.startsWith(triple, start) ? triple : quote
  let at = text.indexOf(mark, start + mark.length)
  for (let from = start; quote === '"' && at !== -1; ) {
    // Looked for up to the end of the string only: most have none, and the text is long.
    const back = text.slice(from, at).indexOf('\\')
    if (back === -1) break
    // The escaped character is no end; nor is a mark that begins with it.
    from += back + 2
    if (at < from) at = text.indexOf(mark, from)
  }
  assert(at !== -1, 'a string is not closed')
  at += mark.length
  // Up to two quotes right before the closing three belong to the string.
  for (let more = 0; mark.length === 3 && more < 2 && text[at] === quote; more += 1) at += 1
  return at
}

/** Where a pattern next matches, or the end. It is global and new each time, since it keeps a place, and one letter long. */
function jump(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex - 1 : text.length
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\t') at += 1
  return at
}

/** Over spaces, line ends and comments. */
function skipVoid(text: string, start: number): number {
  let at = start
  for (;;) {
    const c = text[at]
    if (c === '#') at = lineEnd(text, at)
    else if (c === ' ' || c === '\t' || c === '\r' || c === '\n') at += 1
    else return at
  }
}

/** Behind the next line end. */
function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end + 1
}
