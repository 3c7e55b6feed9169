/**
 * Would Codex refuse a config.toml? Asked before one is installed (S41).
 * Always holds: a text that Codex 0.169 starts with is not refused here; the answer names the key and no value.
 */
import {
  adjustableProvider,
  authAlone,
  builtInProviders,
  type ConfigType,
  calledOnly,
  configTypes,
  startedOnly,
} from '../../schemas/config-type.ts'
import { isRefusal, unreachable } from '../../schemas/fault.ts'
import { readToml } from '../toml/toml.ts'
import { isTable, type Path, printPath, type Table, type Value } from '../toml/value.ts'

/** @returns why Codex would not start with this text, as one sentence, or null. */
export function judgeConfig(text: string): string | null {
  const read = readToml(text)
  return isRefusal(read) ? `${read.why[0]?.toUpperCase()}${read.why.slice(1)}.` : judgeTable(read.table)
}

export const judgeTable = (table: Table): string | null =>
  judgeTypes(table, [], []) ??
  (table['profile'] === undefined
    ? null
    : 'The key profile is no longer read: profiles are chosen with --profile.') ??
  firstOf(table['mcp_servers'], judgeServer) ??
  firstOf(table['model_providers'], judgeProvider)

/** @param pattern the same path, with `*` where a rule has it; null where no rule leads. */
function judgeTypes(table: Table, path: Path, pattern: Path | null): string | null {
  for (const [name, value] of Object.entries(table)) {
    const here = [...path, name]
    const form =
      pattern && ([name, '*'].map((one) => [...pattern, one]).find((one) => rules.has(mark(one))) ?? null)
    const types = form && rules.get(mark(form))
    if (types && !types.some((type) => fits(type, value)))
      return `The key ${printPath(here)} must be ${types.map((type) => said[type]).join(' or ')}.`
    const below = isTable(value) ? judgeTypes(value, here, form) : null
    if (below !== null) return below
    if (!isTable(value) && hasHugeInteger(value))
      return `The key ${printPath(here)} has an integer of more than 64 bits.`
  }
  return null
}

const mark = (pattern: Path): string => pattern.join('\0')

/** Every pattern with its types, and every start of one with none. */
const rules: ReadonlyMap<string, readonly ConfigType[] | null> = new Map(
  [...configTypes.keys()].flatMap((key) => {
    const names = key.split('.')
    return names.map((_, i) => {
      const start = names.slice(0, i + 1)
      return [mark(start), configTypes.get(start.join('.')) ?? null] as const
    })
  }),
)

const said: Readonly<Record<ConfigType, string>> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'an integer',
  count: 'an integer from 0 up',
  number: 'a number',
  strings: 'a list of strings',
  list: 'a list',
  table: 'a table',
  words: 'a table of strings',
  tables: 'a table of tables',
}

function fits(type: ConfigType, value: Value): boolean {
  switch (type) {
    case 'string':
      // Codex reads a date as the string that it is written as.
      return typeof value === 'string' || value instanceof Date
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return typeof value === 'bigint'
    case 'count':
      return typeof value === 'bigint' && value >= 0n
    case 'number':
      return typeof value === 'bigint' || typeof value === 'number'
    case 'list':
      return Array.isArray(value)
    case 'strings':
      return Array.isArray(value) && value.every((one) => fits('string', one))
    case 'table':
      return isTable(value)
    case 'words':
      return isTable(value) && Object.values(value).every((one) => fits('string', one))
    case 'tables':
      return isTable(value) && Object.values(value).every(isTable)
    default:
      return unreachable(type)
  }
}

function hasHugeInteger(value: Value): boolean {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) !== value
  if (Array.isArray(value)) return value.some(hasHugeInteger)
  return isTable(value) && Object.values(value).some(hasHugeInteger)
}

function firstOf(
  table: Value | undefined,
  judge: (name: string, one: Table) => string | null,
): string | null {
  if (!isTable(table)) return null
  for (const [name, one] of Object.entries(table)) {
    const why = isTable(one) ? judge(name, one) : null
    if (why !== null) return why
  }
  return null
}

function judgeServer(name: string, server: Table): string | null {
  const key = printPath(['mcp_servers', name])
  const started = 'command' in server
  if (!started && !('url' in server)) return `The MCP server ${key} has neither command nor url.`
  const wrong = [...(started ? calledOnly : startedOnly), 'bearer_token'].find((one) => one in server)
  return wrong === undefined
    ? null
    : `The MCP server ${key} has ${started ? 'a command' : 'a url'} and so cannot have ${wrong}.`
}

function judgeProvider(name: string, provider: Table): string | null {
  const key = printPath(['model_providers', name])
  if (builtInProviders.includes(name))
    return `The provider ${key} is built into Codex and cannot be redefined.`
  if (name === adjustableProvider) return null
  if (provider['name'] === undefined || provider['name'] === '') return `The provider ${key} has no name.`
  if (provider['wire_api'] === 'chat')
    return `The provider ${key} has wire_api = "chat", which Codex no longer speaks; it must be "responses".`
  const beside = 'auth' in provider && authAlone.find((one) => one in provider && provider[one] !== false)
  return beside ? `The provider ${key} has auth and so cannot have ${beside}.` : null
}
