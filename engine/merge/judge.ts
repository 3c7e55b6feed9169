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
import { isTable, printKey, printPath, type Table, type Value } from '../toml/value.ts'

/** What a text says, or why Codex would not start with it, as one sentence. */
export function readSound(text: string): { readonly table: Table } | { readonly trouble: string } {
  const read = readToml(text)
  if (isRefusal(read)) return { trouble: `${read.why[0]?.toUpperCase()}${read.why.slice(1)}.` }
  const trouble = judgeTable(read.table)
  return trouble === null ? read : { trouble }
}

/** @returns why Codex would not start with this text, as one sentence, or null. */
export function judgeConfig(text: string): string | null {
  const read = readSound(text)
  return 'trouble' in read ? read.trouble : null
}

export const judgeTable = (table: Table): string | null =>
  sentenceOf(judgeTypes(table, typeRules)) ??
  (table['profile'] === undefined
    ? null
    : 'The key profile is no longer read: profiles are chosen with --profile.') ??
  (table['approval_policy'] === 'untrusted'
    ? 'The key approval_policy can no longer be "untrusted".'
    : null) ??
  firstOf(table['mcp_servers'], judgeServer) ??
  firstOf(table['model_providers'], judgeProvider)

/**
 * What a table names and does not have: Codex refuses that, unless another of its layers has it.
 * @returns one sentence, or null.
 */
export function judgeNames(table: Table): string | null {
  const { model_provider: provider, default_permissions: profile, permissions } = table
  if (typeof provider === 'string' && !isProvider(provider, table['model_providers']))
    return `The provider ${printKey(provider)} that model_provider names is missing.`
  if (isTable(permissions) && Object.keys(permissions).length > 0 && profile === undefined)
    return 'The table permissions has no default_permissions beside it.'
  // What begins with a colon is built in.
  const isOwn = typeof profile === 'string' && !profile.startsWith(':')
  return !isOwn || (isTable(permissions) && profile in permissions)
    ? null
    : `The profile ${printKey(profile)} that default_permissions names is missing.`
}

const isProvider = (name: string, own: Value | undefined): boolean =>
  builtInProviders.includes(name) || name === adjustableProvider || (isTable(own) && name in own)

/** What is wrong with a key, and the way to it, from the inside out. */
type Wrong = { readonly names: string[]; readonly why: string }
const sentenceOf = (wrong: Wrong | null): string | null =>
  wrong && `The key ${printPath(wrong.names.reverse())} ${wrong.why}.`

/** @param rules where the rules stand at this table; undefined where none leads. */
function judgeTypes(table: Table, rules: TypeNode | undefined): Wrong | null {
  for (const name of Object.keys(table)) {
    const value = table[name]
    if (value === undefined) continue
    const node = rules && (rules.below.get(name) ?? rules.below.get('*'))
    const types = node?.types
    if (types && !types.some((type) => fits(type, value)))
      return { names: [name], why: `must be ${types.map((type) => said[type]).join(' or ')}` }
    if (isTable(value)) {
      const wrong = judgeTypes(value, node)
      wrong?.names.push(name)
      if (wrong) return wrong
    } else if (hasHugeInteger(value)) return { names: [name], why: 'has an integer of more than 64 bits' }
  }
  return null
}

type TypeNode = { types: readonly ConfigType[] | null; readonly below: Map<string, TypeNode> }
const typeRules: TypeNode = { types: null, below: new Map() }
for (const [key, types] of configTypes) {
  let node = typeRules
  for (const name of key.split('.')) {
    const next: TypeNode = node.below.get(name) ?? { types: null, below: new Map() }
    node.below.set(name, next)
    node = next
  }
  node.types = types
}

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
  const started = 'command' in server
  if (!started && !('url' in server)) return `The MCP server ${serverKey(name)} has neither command nor url.`
  const wrong = (started ? calledOnly : startedOnly).find((key) => key in server)
  if (wrong === undefined && !('bearer_token' in server)) return null
  const kind = started ? 'a command' : 'a url'
  return `The MCP server ${serverKey(name)} has ${kind} and so cannot have ${wrong ?? 'bearer_token'}.`
}

const serverKey = (name: string): string => printPath(['mcp_servers', name])

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
