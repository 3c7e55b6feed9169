/**
 * TOML values with their exact types: a bigint is an integer, a number is a float, a Date knows its TOML kind.
 * Always holds: two values are the same when TOML would read them as the same type and the same value.
 */
export type Value = string | boolean | bigint | number | Date | Value[] | Table
export type Table = { [key: string]: Value }
/** The keys from the root to a value. Never through an array: arrays are units. */
export type Path = readonly string[]

export const isTable = (value: Value | undefined): value is Table =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)

/** Without a prototype, so that a key like `constructor` is a key like any other. */
export const emptyTable = (): Table => Object.create(null)

export function same(a: Value | undefined, b: Value | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b)
  if (a === b) return true
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((one, i) => same(one, b[i]))
  // The text of a date tells its kind: a day, a time, with or without a zone.
  if (a instanceof Date) return b instanceof Date && a.toISOString() === b.toISOString()
  if (!isTable(b)) return false
  // Asked of whole documents: it makes no lists of their keys. A table inherits nothing that could be listed.
  for (const key in a) if (!Object.hasOwn(b, key) || !same(a[key], b[key])) return false
  for (const key in b) if (!Object.hasOwn(a, key)) return false
  return true
}

export function clone(value: Table): Table
export function clone(value: Value): Value
export function clone(value: Value): Value {
  if (Array.isArray(value)) return value.map((one) => clone(one))
  if (!isTable(value)) return value
  const copy = emptyTable()
  for (const [key, one] of Object.entries(value)) copy[key] = clone(one)
  return copy
}

/** The value at a path, or undefined. */
export function valueAt(table: Table, path: Path): Value | undefined {
  let value: Value | undefined = table
  for (const key of path) {
    if (!isTable(value)) return undefined
    value = value[key]
  }
  return value
}

/** Sets a value; what lies on the way and is no table gives way to one. */
export function setAt(table: Table, path: Path, value: Value): void {
  let at = table
  for (const key of path.slice(0, -1)) {
    const found = at[key]
    const next = isTable(found) ? found : emptyTable()
    at[key] = next
    at = next
  }
  const last = path.at(-1)
  if (last !== undefined) at[last] = value
}

export function unsetAt(table: Table, path: Path): void {
  const last = path.at(-1)
  const parent = valueAt(table, path.slice(0, -1))
  if (last !== undefined && isTable(parent)) delete parent[last]
}

/** Drops the tables above a path that hold nothing any more, from the inside out. */
export function trimAt(table: Table, path: Path): void {
  for (let length = path.length - 1; length > 0; length--) {
    const above = path.slice(0, length)
    const found = valueAt(table, above)
    if (found === undefined) continue
    if (!isTable(found) || Object.keys(found).length > 0) return
    unsetAt(table, above)
  }
}

const bare = /^[A-Za-z0-9_-]+$/
export const printKey = (key: string): string => (bare.test(key) ? key : printString(key))
/** A path as TOML writes it: `projects."/srv/a".trust_level`. */
export const printPath = (path: Path): string => path.map(printKey).join('.')

/** On one line, in TOML 1.0. */
export function printValue(value: Value): string {
  switch (typeof value) {
    case 'string':
      return printString(value)
    case 'number':
      return printFloat(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
  }
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `[${value.map(printValue).join(', ')}]`
  const entries = Object.entries(value)
  if (entries.length === 0) return '{}'
  return `{ ${entries.map(([key, one]) => `${printKey(key)} = ${printValue(one)}`).join(', ')} }`
}

/** JSON escapes what TOML's basic strings escape, but for DEL; half a surrogate pair is no text at all. */
const printString = (text: string): string =>
  JSON.stringify(text.toWellFormed()).replaceAll('\x7f', '\\u007f')

function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (Object.is(value, -0)) return '-0.0'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const text = String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** A table as sections: its own keys below its header, then what lies deeper. One blank line between two. */
export const printSections = (table: Table, path: Path, eol: string): string =>
  sectionsOf(table, path, `[${printPath(path)}]`, eol).join(eol)

/** A whole document: no comments, no formats. */
export const printDocument = (table: Table, eol: string): string =>
  sectionsOf(table, [], '', eol).join(eol).trimStart()

function sectionsOf(table: Table, path: Path, header: string, eol: string): string[] {
  const entries = Object.entries(table)
  const pairs = entries.filter(([, value]) => !isTable(value) && !isArrayOfTables(value))
  const sections: string[] = []
  if (pairs.length > 0 || entries.length === 0 || header.startsWith('[['))
    sections.push(
      [header, ...pairs.map(([key, one]) => `${printKey(key)} = ${printValue(one)}`), ''].join(eol),
    )
  for (const [key, value] of entries) {
    const deeper = [...path, key]
    if (isTable(value)) sections.push(...sectionsOf(value, deeper, `[${printPath(deeper)}]`, eol))
    else if (isArrayOfTables(value))
      for (const one of value) sections.push(...sectionsOf(one, deeper, `[[${printPath(deeper)}]]`, eol))
  }
  return sections
}

const isArrayOfTables = (value: Value): value is Table[] =>
  Array.isArray(value) && value.length > 0 && value.every(isTable)
