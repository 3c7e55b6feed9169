/**
 * The selection: what the user includes and excludes beyond the table, and the symlinks approved to lead out
 * of the home (S32, S33). Set in settings, recorded in the log.
 * Always holds: a selection is in one canonical form (sorted, no rule twice), so that equal ones compare equal.
 */
import type { Event } from '../../schemas/event/index.ts'
import { selectionChanged } from '../../schemas/event/selection.ts'
import { type Refusal, refuse } from '../../schemas/fault.ts'
import { isRule, type LinkRule, linkRule } from '../../schemas/rule.ts'
import { v } from '../../schemas/shape.ts'
import { classify, mayContain } from './classify.ts'
import { printable } from './warning.ts'

export type Selection = {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly links: readonly LinkRule[]
}

export const defaultSelection: Selection = { include: [], exclude: [], links: [] }

const known = new Set(['include', 'exclude', 'links'])

/** Reads `[selection]` out of parsed settings; settings without it give the default. */
export function readSelection(settings: Readonly<Record<string, unknown>>): Selection | Refusal {
  const table = settings['selection']
  if (table === undefined) return defaultSelection
  if (!isTable(table)) return bad('[selection] is not a table')
  for (const key of Object.keys(table)) {
    if (!known.has(key)) return bad(`[selection] has no setting named ${printable(key)}`)
  }
  const include = readRules('include', table['include'])
  if ('refused' in include) return include
  const exclude = readRules('exclude', table['exclude'])
  if ('refused' in exclude) return exclude
  const links = readLinks(table['links'])
  if ('refused' in links) return links
  for (const rule of include.rules) {
    const why = vain(rule)
    if (why !== null) return bad(`${rule} cannot be included: ${why}`)
  }
  const selection = { include: include.rules, exclude: exclude.rules, links: links.rules }
  if (!v.is(selectionChanged.body, selection)) return bad('[selection] has too many rules')
  return selection
}

/** The event that records `wanted`, or null when the log says so already. */
export function selectionEvent(logged: Selection, wanted: Selection): Event | null {
  if (JSON.stringify(shape(logged)) === JSON.stringify(shape(wanted))) return null
  return { type: 'selection.changed', body: shape(wanted) }
}

/** The canonical form, with fields in one order. */
function shape(selection: Selection) {
  return {
    include: [...new Set(selection.include)].sort(),
    exclude: [...new Set(selection.exclude)].sort(),
    links: selection.links
      .map(({ path, target }) => ({ path, target }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  }
}

function readRules(name: string, value: unknown): { readonly rules: string[] } | Refusal {
  if (value === undefined) return { rules: [] }
  if (!Array.isArray(value)) return bad(`selection.${name} is not a list of paths`)
  const rules = new Set<string>()
  for (const rule of value) {
    if (!isRule(rule))
      return bad(
        `selection.${name} holds ${printable(String(rule))}, which is no path from the home's root (a folder ends with /, wildcards do not exist)`,
      )
    rules.add(rule)
  }
  return { rules: [...rules].sort() }
}

function readLinks(value: unknown): { readonly rules: LinkRule[] } | Refusal {
  if (value === undefined) return { rules: [] }
  if (!Array.isArray(value)) return bad('selection.links is not a list')
  const rules = new Map<string, LinkRule>()
  for (const item of value) {
    if (!v.is(linkRule, item))
      return bad('an item of selection.links is not of the form { path = "…", target = "/…" }')
    if (rules.has(item.path)) return bad(`selection.links names ${item.path} twice`)
    rules.set(item.path, { path: item.path, target: item.target })
  }
  return { rules: [...rules.values()].sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

/** Why an include rule could never have an effect, or null. */
function vain(rule: string): string | null {
  const alone: Selection = { ...defaultSelection, include: [rule] }
  if (rule.endsWith('/')) {
    const folder = rule.slice(0, -1)
    if (mayContain(folder, alone)) return null
    const found = classify(folder, alone)
    return 'why' in found ? found.why : 'it never travels'
  }
  const found = classify(rule, alone)
  return 'why' in found ? found.why : null
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const bad = (why: string): Refusal => refuse('bad-settings', `The settings are wrong: ${why}.`)
