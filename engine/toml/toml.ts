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
    if (isDeep(table, tomlDepthMax))
      return refuse('bad-config', `it has tables that are nested more than ${tomlDepthMax} deep`)
    const misread = findMisread(table, text)
    return misread === null ? { table } : refuse('bad-config', misread)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { line, column } = error
    return refuse('bad-config', `line ${line} is not TOML: ${reasonOf(error)}`, { line, column })
  }
}

/** Dotted keys nest tables too, and the parser does not count those. Asked of every text, so it makes no lists of it. */
function isDeep(value: Table | Value[] | Date, left: number): boolean {
  if (Array.isArray(value)) return left === 0 ? value.length > 0 : value.some((one) => isDeepIn(one, left))
  if (value instanceof Date) return false
  for (const key in value) if (left === 0 || isDeepIn(value[key], left)) return true
  return false
}
const isDeepIn = (one: Value | undefined, left: number): boolean =>
  typeof one === 'object' && isDeep(one, left - 1)

/** The parser takes two things that TOML has not, and makes something else of them. */
function findMisread(value: Value, text: string): string | null {
  if (value instanceof Date) {
    const day = /^\d+-\d+-\d+/.exec(value.toISOString())?.[0] ?? ''
    return text.includes(day) ? null : 'it has a date whose month has no such day'
  }
  if (value === Infinity || value === -Infinity)
    return text.includes('inf') ? null : 'it has a float beyond what 64 bits hold'
  if (typeof value !== 'object') return null
  for (const one of Object.values(value)) {
    const misread = findMisread(one, text)
    if (misread !== null) return misread
  }
  return null
}

/** The first line of its message is the reason; a drawing of the place, with the file's own text, follows. */
const reasonOf = (error: TomlError): string =>
  error.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '') ?? ''
