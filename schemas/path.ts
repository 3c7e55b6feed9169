/**
 * The path grammar: which names may exist in a canonical home (threats T14 and T16).
 * Always holds: a HomePath is relative, uses `/`, is NFC, and can be written on Linux, macOS and Windows alike.
 * The same rules on every system, so that a Linux master cannot break a Windows follower.
 */
import { pathBytesMax, pathSegmentBytesMax, pathSegmentsMax } from './limits.ts'

declare const homePathBrand: unique symbol
/** A checked path, relative to the Codex home. */
export type HomePath = string & { readonly [homePathBrand]: true }

/** Cc, Cf (bidi, zero-width), Cs (lone surrogates), line and paragraph separators, and what Windows forbids. */
const forbidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"\\|?*]/u
/** Windows device names, with or without an extension; superscript digits count as digits there. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)/iu
/** Plain ASCII names whose first and last characters are harmless. */
const plainSegment = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/
/** Folders that a sync must never write into: version control, and stemma's own staging folder. */
const reserved = new Set(['.git', '.stemma-stage'])

/** @returns why `value` is no HomePath, or null when it is one. */
export function pathFault(value: string): string | null {
  if (isPlainPath(value)) return null
  if (value.length === 0) return 'it is empty'
  if (Buffer.byteLength(value) > pathBytesMax) return `it is longer than ${pathBytesMax} bytes`
  if (value.normalize('NFC') !== value) return 'it is not in Unicode normal form C'
  const segments = value.split('/')
  if (segments.length > pathSegmentsMax) return `it is deeper than ${pathSegmentsMax} folders`
  for (const segment of segments) {
    const fault = segmentFault(segment)
    if (fault) return fault
  }
  return null
}

const plainPath = /^[A-Za-z0-9_./-]+$/
const dot = 0x2e
const dash = 0x2d

/**
 * The common case, since every entry of a log comes through here: a few short plain parts, none of which could be a
 * device name. What it does not let through may still be good.
 */
export function isPlainPath(path: string): path is HomePath {
  if (path.length > pathBytesMax || !plainPath.test(path)) return false
  let segments = 1
  for (let from = 0; ; from++) {
    const slash = path.indexOf('/', from)
    const end = slash === -1 ? path.length : slash
    const bytes = end - from
    if (bytes === 0 || bytes > pathSegmentBytesMax) return false
    const first = path.charCodeAt(from)
    if (first === dot || first === dash || path.charCodeAt(end - 1) === dot) return false
    // Device names have three or four characters before the first dot.
    const isShort =
      bytes === 3 || bytes === 4 || path.charCodeAt(from + 3) === dot || path.charCodeAt(from + 4) === dot
    if (isShort && 'acnlpACNLP'.includes(path.charAt(from))) return false
    if (slash === -1) return true
    if (++segments > pathSegmentsMax) return false
    from = slash
  }
}

function segmentFault(segment: string): string | null {
  if (segment === '') return 'it is absolute or has an empty part'
  if (segment === '.' || segment === '..') return 'it steps out with . or ..'
  if (!plainSegment.test(segment)) {
    if (forbidden.test(segment)) return 'it has a character that a system or a reader cannot bear'
    if (segment.startsWith(' ')) return 'a part begins with a space'
    if (Buffer.byteLength(segment) > pathSegmentBytesMax)
      return `a part is longer than ${pathSegmentBytesMax} bytes`
  } else if (segment.length > pathSegmentBytesMax) return `a part is longer than ${pathSegmentBytesMax} bytes`
  const last = segment.charCodeAt(segment.length - 1)
  if (last === 0x20 || last === 0x2e) return 'a part ends with a space or a dot'
  if (segment.length >= 3 && device.test(segment)) return 'a part is a Windows device name'
  if (reserved.has(foldName(segment))) return 'a part is reserved'
  return null
}

export const isHomePath = (value: string): value is HomePath => pathFault(value) === null

/**
 * The collision key: two names with one key would be one file on some system (case or Unicode form).
 * Upper then lower case folds more than NTFS and APFS do (ß with ss, dotless i with i): the safe side.
 */
export function foldName(name: string): string {
  // Plain ASCII needs no Unicode work; this is the hot path of every fold.
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase()
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}

/** Every folder above a path, outermost first: `a/b/c` gives `a`, `a/b`. */
export function ancestors(path: string): string[] {
  const out: string[] = []
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) out.push(path.slice(0, at))
  return out
}
