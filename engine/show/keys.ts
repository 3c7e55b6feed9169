/**
 * The two values of a key of config.toml that is in conflict, as lines that may be shown: `model = "gpt-5"`.
 * Always holds: values of secret names are hidden however deep they lie, and so is all that lies where people put
 * secrets under names of their own: environments, headers, arguments, hooks. Of other texts each line is redacted as
 * one of a file is.
 */
import { isRefusal } from '../../schemas/fault.ts'
import { readToml } from '../toml/toml.ts'
import { isTable, type Path, printKey, printValue, type Value } from '../toml/value.ts'
import { type Difference, difference, type Side } from './difference.ts'
import { isSecretName, isVariableKey, isVariableName, mask, redactLines, redactText } from './redact.ts'

/** Of a key as it is printed; values as TOML, null for none. */
export function keyDifference(key: string, canonical: string | null, local: string | null): Difference {
  const { lines, more } = difference(sideOf(key, local), sideOf(key, canonical))
  // Numbers of lines mean nothing here.
  return { lines: lines.filter((line) => !line.startsWith('@')), more }
}

function sideOf(key: string, printed: string | null): Side {
  if (printed === null) return { raw: [], shown: [] }
  const read = readToml(`${key} = ${printed}`)
  const leaves = isRefusal(read) ? [] : leavesOf([], read.table)
  return {
    raw: leaves.map(({ path, value }) => `${nameOf(path)} = ${printValue(value)}`),
    shown: leaves.map(({ path, value }) => `${nameOf(path)} = ${shownValue(path, value)}`),
  }
}

type Leaf = { readonly path: Path; readonly value: Value }
function leavesOf(path: Path, value: Value): Leaf[] {
  if (!isTable(value) || (path.length > 0 && Object.keys(value).length === 0)) return [{ path, value }]
  return Object.entries(value).flatMap(([name, one]) => leavesOf([...path, name], one))
}

const nameOf = (path: Path): string => path.map(shownName).join('.')
const shownName = (name: string): string => redactText(printKey(name))

/**
 * Keys below which all is hidden but what is true or false, wherever they stand: at the root, in a profile, in a plugin.
 * `*` is any name.
 */
const hidden: readonly Path[] = [
  ['shell_environment_policy', 'set'],
  ['mcp_servers', '*', 'args'],
  ['mcp_servers', '*', 'env'],
  ['mcp_servers', '*', 'http_headers'],
  ['model_providers', '*', 'query_params'],
  ['model_providers', '*', 'http_headers'],
  ['hooks'],
]
const isHidden = (path: Path): boolean =>
  hidden.some((form) =>
    path.some((_, from) => form.every((name, at) => name === '*' || path[from + at] === name)),
  )

/** How many tokens, not which. */
const amount = /(?:limit|budget|window|count|max)/i

function shownValue(path: Path, value: Value): string {
  if (typeof value === 'boolean') return printValue(value)
  if (isHidden(path)) return mask
  const isNumber = typeof value === 'bigint' || typeof value === 'number'
  const secret = path.find(isSecretName)
  if (typeof value === 'string' && isVariableName(value) && namesVariable(path))
    return redactText(printValue(value))
  if (secret !== undefined) return isNumber && amount.test(secret) ? printValue(value) : mask
  if (typeof value === 'string') return printValue(redactLines(value.split('\n')).join('\n'))
  if (isTable(value)) return shownTable(path, value)
  if (!Array.isArray(value)) return printValue(value)
  // What follows an option may be its value: `--api-key`, and then the key.
  return `[${value.map((one, at) => (isSecretFlag(value[at - 1]) ? mask : shownValue(path, one))).join(', ')}]`
}

function shownTable(path: Path, table: Readonly<Record<string, Value>>): string {
  const entries = Object.entries(table)
  if (entries.length === 0) return '{}'
  return `{ ${entries.map(([name, one]) => `${shownName(name)} = ${shownValue([...path, name], one)}`).join(', ')} }`
}

/** `bearer_token_env_var`, and whatever stands in `env_http_headers`. */
function namesVariable(path: Path): boolean {
  const at = path.findIndex(isVariableKey)
  return at !== -1 && !path.slice(0, at).some(isSecretName)
}

const isSecretFlag = (value: Value | undefined): boolean =>
  typeof value === 'string' && value.startsWith('-') && isSecretName(value)
