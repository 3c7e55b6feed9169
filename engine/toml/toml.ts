/**
 * TOML text and tables: the one place that parses and prints whole documents.
 * Two readings: plain numbers for our own settings, and exact types (`value.ts`) for files that are edited.
 */
import { parse, stringify, TomlError } from 'smol-toml'
import { Fault, type Refusal, refuse } from '../../schemas/fault.ts'
import { tomlBytesMax, tomlDepthMax } from '../../schemas/limits.ts'
import type { Table, Value } from './value.ts'

export type Plain = { readonly [key: string]: unknown }

/** Our own settings: integers and floats are both numbers. @throws Fault `bad-settings` that names file and line. */
export function parseToml(text: string, file: string): Plain {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new Fault(
      'bad-settings',
      `Line ${error.line} of ${file} is not TOML: ${reasonOf(error)}.`,
      { file, line: error.line, column: error.column },
      error,
    )
  }
}

/** Keys that are undefined are left out. */
export const printToml = (table: Plain): string => stringify(table)

/**
 * Somebody else's file, type for type: an integer is a bigint, a float a number.
 * @returns a refusal `bad-config` with the line when it is not TOML, is too long, or is nested too deeply.
 */
export function readToml(text: string): { readonly table: Table } | Refusal {
  if (text.length > tomlBytesMax)
    return refuse('bad-config', `the text is longer than ${tomlBytesMax} characters`)
  try {
    const table: Table = parse(text, { integersAsBigInt: true, maxDepth: tomlDepthMax })
    const odd = oddity(table, tomlDepthMax, text)
    return odd === null ? { table } : refuse('bad-config', odd)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { line, column } = error
    return refuse('bad-config', `line ${line} is not TOML: ${reasonOf(error)}`, { line, column })
  }
}

/**
 * What the parser lets through and we do not: dotted keys nest tables too, which it does not count, and it takes two
 * things that TOML has not, and makes something else of them. Asked of every text, so it makes no lists of it.
 * @param left how many levels there may be from `within` down.
 */
function oddity(within: Table | Value[], left: number, text: string): string | null {
  let odd: string | null = null
  if (Array.isArray(within)) for (const one of within) odd ??= oddValue(one, left, text)
  else for (const key in within) odd ??= oddValue(within[key], left, text)
  return odd
}

function oddValue(one: Value | undefined, left: number, text: string): string | null {
  if (left === 0) return `it has tables that are nested more than ${tomlDepthMax} deep`
  if (one instanceof Date) return oddDate(one, text)
  if (typeof one === 'object') return oddity(one, left - 1, text)
  return one === Infinity || one === -Infinity ? oddFloat(text) : null
}

function oddDate(date: Date, text: string): string | null {
  const day = /^\d+-\d+-\d+/.exec(date.toISOString())?.[0] ?? ''
  return text.includes(day) ? null : 'it has a date whose month has no such day'
}

const oddFloat = (text: string): string | null =>
  text.includes('inf') ? null : 'it has a float beyond what 64 bits hold'

/** The first line of its message is the reason; a drawing of the place, with the file's own text, follows. */
const reasonOf = (error: TomlError): string =>
  error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '') ?? ''
