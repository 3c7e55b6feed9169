/**
 * JSON as Codex prints it, read type for type into TOML's values.
 * Always holds: an integer is a bigint of whatever size, a float is a number (30.0 too), a date keeps its kind. JSON
 * has no nan and no inf: Codex prints null for them, and that is read as nan.
 */
import { readToml } from '../../engine/toml/toml.ts'
import type { Value } from '../../engine/toml/value.ts'
import { isRefusal } from '../../schemas/fault.ts'

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
const integer = '$integer'
/** How Codex's TOML library hands a date to other formats. */
const date = '$__toml_private_datetime'

export const parseExactly = (json: string): Value =>
  JSON.parse(
    json.replace(token, (text) => (/^-?\d+$/.test(text) ? `{"${integer}":"${text}"}` : text)),
    revive,
  )

function revive(_: string, value: unknown): unknown {
  if (value === null) return Number.NaN
  if (typeof value !== 'object') return value
  if (integer in value) return BigInt(String(value[integer]))
  if (!(date in value)) return value
  const read = readToml(`date = ${value[date]}`)
  if (isRefusal(read)) throw new Error(`Codex has a date that is none: ${value[date]}`)
  return read.table['date']
}
