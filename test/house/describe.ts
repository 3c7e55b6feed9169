/**
 * A canonical description of a valibot schema: what it accepts, as plain data, whatever functions it is made of.
 * Always holds: keys are sorted, so the description changes exactly when the declared shape, a bound or a
 * message of a custom check does.
 */

type Described =
  | null
  | boolean
  | number
  | string
  | readonly Described[]
  | { readonly [key: string]: Described }

/** What belongs to a schema's meaning; the rest of the object is machinery. */
const meaning = [
  'type',
  'kind',
  'key',
  'literal',
  'options',
  'entries',
  'item',
  'items',
  'rest',
  'wrapped',
  'pipe',
  'requirement',
  'message',
  'default',
]

export function describeSchema(value: unknown): Described {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint' || value instanceof RegExp) return String(value)
  if (Array.isArray(value)) return value.map(describeSchema)
  if (typeof value !== 'object') return null
  const isSchema = 'kind' in value && 'type' in value
  const kept = Object.entries(value)
    .filter(([key, inner]) => typeof inner !== 'function' && (!isSchema || meaning.includes(key)))
    // A pipe stands beside a copy of the schema that it begins with.
    .filter(([key, inner]) => inner !== undefined && !(isSchema && key === 'kind'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(kept.map(([key, inner]) => [key, describeSchema(inner)]))
}
