/**
 * hooks.json on a follower: the canonical groups, then what this machine added, then stemma's own hook (S50).
 * Always holds: our own entry is the last group of SessionStart, once; a group that the user added here stays; one
 * that came from the master and was changed here is a conflict, and then the local file stays but for our entry.
 */
import { assert, isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Table = { readonly [key: string]: Json }
type Groups = Readonly<Record<string, readonly Json[]>>

export type HooksInput = {
  /** What is canonical, what lies here, and what was canonical when it was last put here; null for nothing. */
  readonly canonical: string | null
  readonly local: string | null
  readonly last: string | null
  /** The command of our own hook; null where none is installed. */
  readonly own: string | null
  /** The user's word where both changed. */
  readonly take: 'canonical' | 'local' | null
}
/** `text` null: no such file is wanted. */
export type Hooks = { readonly text: string | null; readonly conflict: boolean }

const ownEvent = 'SessionStart'
/** Seconds: above the hook's own budget of two, so that Codex never has to end it. */
const ownTimeout = 10

/** A command of ours, of whatever version and place: the name of the script tells. */
export const isOwnCommand = (command: string): boolean => /[\\/]stemma-hook\.cjs["']?\s*$/.test(command)

export function composeHooks(input: HooksInput): Hooks | Refusal {
  const canonical = read(input.canonical, 'canonical')
  const last = read(input.last, 'canonical')
  const local = read(input.local, 'local')
  if (isRefusal(canonical)) return canonical
  if (isRefusal(local)) return local
  // What was canonical once was readable once; anything else is no reason to stop.
  const before = isRefusal(last) ? null : last
  const mine = local && withoutOwn(local.groups)
  const conflict =
    input.take === null &&
    mine !== null &&
    before !== null &&
    hasLost(before.groups, mine, canonical?.groups ?? {})
  const keepLocal = conflict || (input.take === 'local' && mine !== null)
  const groups =
    keepLocal && mine ? mine : union(canonical?.groups ?? {}, added(before?.groups ?? {}, mine ?? {}))
  const all = input.own === null ? groups : withOwn(groups, input.own)
  const rest = (keepLocal ? local : (canonical ?? local))?.rest ?? {}
  if (canonical === null && Object.keys(all).length === 0 && (local === null || input.last !== null))
    return { text: null, conflict }
  const whole = { ...rest, hooks: all }
  // What already says the same keeps its own spelling.
  if (local && same(whole, { ...local.rest, hooks: local.groups })) return { text: input.local, conflict }
  return { text: `${JSON.stringify(whole, null, 2)}\n`, conflict }
}

/** What the master publishes: never our own entry, which names paths of this machine. */
export function publishedHooks(text: string): string | Refusal {
  const file = read(text, 'local')
  if (isRefusal(file)) return file
  assert(file, 'a text was given')
  const groups = withoutOwn(file.groups)
  return same(groups, file.groups) ? text : `${JSON.stringify({ ...file.rest, hooks: groups }, null, 2)}\n`
}

type File = { readonly rest: Table; readonly groups: Groups }

function read(text: string | null, whose: string): File | null | Refusal {
  if (text === null) return null
  const bad = () => refuse('bad-config', `The ${whose} hooks.json is not what Codex could read.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return bad()
  }
  if (!isTable(value)) return bad()
  const { hooks = {}, ...rest } = value
  if (!isTable(hooks)) return bad()
  const groups: Record<string, readonly Json[]> = {}
  for (const [event, list] of Object.entries(hooks)) {
    if (!Array.isArray(list)) return bad()
    groups[event] = list
  }
  return { rest, groups }
}

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const key = (value: Json): string =>
  JSON.stringify(value, (_, one: Json) => (isTable(one) ? sorted(one) : one))
const sorted = (table: Table): Table =>
  Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)))
const same = (a: Json | Groups, b: Json | Groups): boolean => key(a) === key(b)

function withoutOwn(groups: Groups): Groups {
  const out: Record<string, readonly Json[]> = {}
  for (const [event, list] of Object.entries(groups)) {
    const kept = list.flatMap((group): readonly Json[] => {
      if (!isTable(group) || !Array.isArray(group['hooks'])) return [group]
      const handlers = group['hooks'].filter((one: Json) => !(isTable(one) && isOwn(one['command'])))
      if (handlers.length === group['hooks'].length) return [group]
      return handlers.length === 0 ? [] : [{ ...group, hooks: handlers }]
    })
    if (kept.length > 0 || list.length === 0) out[event] = kept
  }
  return out
}
const isOwn = (command: Json | undefined): boolean => typeof command === 'string' && isOwnCommand(command)

function withOwn(groups: Groups, command: string): Groups {
  const group = { hooks: [{ type: 'command', command, timeout: ownTimeout }] }
  return { ...groups, [ownEvent]: [...(groups[ownEvent] ?? []), group] }
}

const union = (first: Groups, second: Groups): Groups => {
  const out: Record<string, readonly Json[]> = { ...first }
  for (const [event, list] of Object.entries(second)) {
    const known = new Set((first[event] ?? []).map(key))
    const more = list.filter((group) => !known.has(key(group)))
    if (more.length > 0 || !(event in out)) out[event] = [...(out[event] ?? []), ...more]
  }
  return out
}

/** Groups that are here and did not come from the master. */
function added(last: Groups, local: Groups): Groups {
  const out: Record<string, readonly Json[]> = {}
  for (const [event, list] of Object.entries(local)) {
    const known = new Set((last[event] ?? []).map(key))
    const more = list.filter((group) => !known.has(key(group)))
    if (more.length > 0) out[event] = more
  }
  return out
}

/** Was something that came from the master, and still is canonical, changed or taken out here? */
function hasLost(last: Groups, local: Groups, canonical: Groups): boolean {
  return Object.entries(last).some(([event, list]) => {
    const here = new Set((local[event] ?? []).map(key))
    const there = new Set((canonical[event] ?? []).map(key))
    return list.some((group) => !here.has(key(group)) && there.has(key(group)))
  })
}
