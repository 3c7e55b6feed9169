/**
 * The selection: what the user includes and excludes beyond the table, and the symlinks approved to lead out
 * of the home (S32, S33). Set in settings, recorded in the log.
 * Always holds: what is recorded is in one canonical form (sorted, no rule twice), so that equal ones compare equal.
 */
import type { Event } from '../../schemas/event/index.ts'
import type { LinkRule } from '../../schemas/rule.ts'
import { classify, mayContain } from './classify.ts'

export type Selection = {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly links: readonly LinkRule[]
}

export const defaultSelection: Selection = { include: [], exclude: [], links: [] }

/** What makes no sense in a selection, with the key that it stands at; null when all of it does. */
export function selectionFault({
  include,
  links,
}: Pick<Selection, 'include'> & { readonly links: readonly { readonly path: string }[] }): {
  readonly key: string
  readonly why: string
} | null {
  for (const rule of include) {
    const why = vain(rule)
    if (why !== null) return { key: 'selection.include', why: `${rule} never travels: ${why}` }
  }
  const paths = new Set<string>()
  for (const { path } of links) {
    if (paths.has(path)) return { key: 'selection.links', why: `${path} is named twice` }
    paths.add(path)
  }
  return null
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
