/**
 * hooks.json on a follower: the canonical groups, then what this machine added, then stemma's own hooks (S50).
 * Always holds: our own entry is the last group of its event, once, and no other command that looks like ours is in
 * it; a group that the user added here stays; one that came from the master and was changed here is a conflict, and
 * then the local file stays but for our entry.
 */
import { assert, isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { type Json, readJson } from '../codex/json.ts'

type Table = { readonly [key: string]: Json }
type Groups = Readonly<Record<string, readonly Json[]>>
/** Without a prototype: an event may have any name. */
const noGroups = (): Record<string, readonly Json[]> => Object.create(null)

export type HooksInput = {
  /** What is canonical, and what lies here; null for nothing. */
  readonly canonical: string | null
  readonly local: string | null
  readonly last: HooksLast
  /** Our own hooks; null where none are installed. */
  readonly own: OwnHooks | null
  /** The user's word where both changed. */
  readonly take: 'canonical' | 'local' | null
}
/** What a composition has to know of the one before. */
export type HooksLast = {
  /** What was canonical when canonical groups were last put here; null for nothing. */
  readonly canonical: string | null
  /** The canonical file against which the user chose `local`. */
  readonly declined: string | null
}
export const noHooks: HooksLast = { canonical: null, declined: null }
/** `text` null: no such file is wanted. */
export type Hooks = { readonly text: string | null; readonly conflict: boolean; readonly last: HooksLast }

/** The command of our own hook for each event that has one: the first brings news, the last puts in what waited. */
export type OwnHooks = { readonly SessionStart: string; readonly SessionEnd: string }

/** Seconds: above the hook's own budget of two, so that Codex never has to end it; it gives SessionEnd three at most. */
const ownTimeouts = { SessionStart: 10, SessionEnd: 3 } as const satisfies Record<keyof OwnHooks, number>

/** What PowerShell is given in Base64, where a word of the command needs quotes; null for a command in plain words. */
export function decodeCommand(command: string): string | null {
  const encoded = / -EncodedCommand ([A-Za-z0-9+/=]+)$/.exec(command)?.[1]
  return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString('utf16le')
}

/** A command of ours, of whatever version and place: it runs the script for one of its moments, and does not only name it. */
export function isOwnCommand(command: string): boolean {
  const words = decodeCommand(command) ?? command
  return /[\\/]stemma-hook\.cjs["']?\s+["']?(?:before|start|work|end)(?:["']|\s|$)/.test(words)
}

export function composeHooks(input: HooksInput): Hooks | Refusal {
  const canonical = read(input.canonical, 'canonical')
  const last = read(input.last.canonical, 'canonical')
  const local = read(input.local, 'local')
  if (isRefusal(canonical)) return canonical
  if (isRefusal(local)) return local
  // What was canonical once was readable once; anything else is no reason to stop.
  const before = isRefusal(last) ? null : last
  // A file that we put here and that is gone lost all that was in it.
  const mine = local ? withoutOwn(local.groups) : noGroups()
  const wanted = canonical ? withoutOwn(canonical.groups) : noGroups()
  const was = before?.groups ?? noGroups()
  const news = added(was, mine)
  const edits = editsOf(was, mine, news)
  const lost = hasLost(was, mine, wanted) || meets(edits, added(was, wanted))
  const take = input.take ?? (input.last.declined === input.canonical ? 'local' : null)
  const keepsLocal = lost && take !== 'canonical'
  // Whoever takes what is canonical wants it in the place of the edit, not beside it.
  const groups = keepsLocal ? mine : union(wanted, input.take === 'canonical' ? added(edits, news) : news)
  const all = input.own === null ? groups : withOwn(groups, input.own)
  const rest = (keepsLocal ? local : (canonical ?? withoutRest(local, before)))?.rest ?? {}
  const result = {
    conflict: lost && take === null,
    last: keepsLocal
      ? { canonical: input.last.canonical, declined: take === 'local' ? input.canonical : null }
      : { canonical: input.canonical, declined: null },
  }
  if (Object.keys(all).length === 0 && Object.keys(rest).length === 0 && (keepsLocal || canonical === null))
    return { ...result, text: null }
  const whole = { ...rest, hooks: all }
  // What already says the same keeps its own spelling.
  for (const [file, text] of [[local, input.local] as const, [canonical, input.canonical] as const])
    if (file && same(whole, { ...file.rest, hooks: file.groups })) return { ...result, text }
  for (const [file, whose] of [[local, 'local'] as const, [canonical, 'canonical'] as const])
    if (file?.lossy)
      return refuse(
        'bad-config',
        `The ${whose} hooks.json has ${file.lossy}, so it cannot be put together with what else belongs there.`,
      )
  return { ...result, text: `${JSON.stringify(whole, null, 2)}\n` }
}

/** What the master publishes: never our own entry, which names paths of this machine. */
export function publishedHooks(text: string): string | Refusal {
  const file = read(text, 'local')
  if (isRefusal(file)) return file
  assert(file, 'a text was given')
  const groups = withoutOwn(file.groups)
  if (same(groups, file.groups)) return text
  if (file.lossy) return refuse('bad-config', `it has ${file.lossy} beside the hooks of stemma itself`)
  return `${JSON.stringify({ ...file.rest, hooks: groups }, null, 2)}\n`
}

type File = { readonly rest: Table; readonly groups: Groups; readonly lossy: string | null }

function read(text: string | null, whose: string): File | null | Refusal {
  if (text === null) return null
  const bad = () => refuse('bad-config', `The ${whose} hooks.json is not what Codex could read.`)
  const json = readJson(text)
  if ('fault' in json) return bad()
  const { value, lossy } = json
  if (!isTable(value)) return bad()
  const { hooks = {}, ...rest } = value
  if (!isTable(hooks)) return bad()
  const groups = noGroups()
  for (const [event, list] of Object.entries(hooks)) {
    if (!Array.isArray(list)) return bad()
    groups[event] = list
  }
  return { rest, groups, lossy }
}

/** What beside the hooks is canonical goes with it. */
function withoutRest(local: File | null, before: File | null): File | null {
  if (local === null || before === null || !same(local.rest, before.rest)) return local
  return { ...local, rest: {} }
}

const isTable = (value: Json): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const key = (value: Json): string =>
  JSON.stringify(value, (_, one: Json) => (isTable(one) ? sorted(one) : one))
const sorted = (table: Table): Table =>
  Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)))
const same = (a: Json | Groups, b: Json | Groups): boolean => key(a) === key(b)

function withoutOwn(groups: Groups): Groups {
  const out = noGroups()
  for (const [event, list] of Object.entries(groups)) {
    const kept = list.flatMap((group): readonly Json[] => {
      if (!isTable(group) || !Array.isArray(group['hooks'])) return [group]
      const handlers = group['hooks'].filter((one: Json) => !isOwn(one))
      if (handlers.length === group['hooks'].length) return [group]
      return handlers.length === 0 ? [] : [{ ...group, hooks: handlers }]
    })
    if (kept.length > 0 || list.length === 0) out[event] = kept
  }
  return out
}
/** On whatever system: a declaration may name another command for Windows. */
const isOwn = (handler: Json): boolean =>
  isTable(handler) &&
  [handler['command'], handler['commandWindows'], handler['command_windows']].some(
    (one) => typeof one === 'string' && isOwnCommand(one),
  )

function withOwn(groups: Groups, own: OwnHooks): Groups {
  const out = Object.assign(noGroups(), groups)
  for (const event of ['SessionStart', 'SessionEnd'] as const) {
    const handler = { type: 'command', command: own[event], timeout: ownTimeouts[event] }
    out[event] = [...(groups[event] ?? []), { hooks: [handler] }]
  }
  return out
}

const union = (first: Groups, second: Groups): Groups => {
  const out = Object.assign(noGroups(), first)
  for (const [event, list] of Object.entries(second)) {
    const known = new Set((first[event] ?? []).map(key))
    const more = list.filter((group) => !known.has(key(group)))
    if (more.length > 0 || !(event in out)) out[event] = [...(out[event] ?? []), ...more]
  }
  return out
}

/** Groups that are here and did not come from the master. */
function added(last: Groups, local: Groups): Groups {
  const out = noGroups()
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

/** Groups that are new here and run what a group ran that came from the master and is gone here: it was changed. */
function editsOf(last: Groups, local: Groups, news: Groups): Groups {
  const out = noGroups()
  for (const [event, list] of Object.entries(added(local, last))) {
    const gone = new Set(list.flatMap(commandsOf))
    const edits = (news[event] ?? []).filter((group) => commandsOf(group).some((one) => gone.has(one)))
    if (edits.length > 0) out[event] = edits
  }
  return out
}

/** Was one of these changed at the master as well? */
const meets = (edits: Groups, canonical: Groups): boolean =>
  Object.entries(edits).some(([event, list]) => {
    const there = new Set((canonical[event] ?? []).flatMap(commandsOf))
    return list.flatMap(commandsOf).some((one) => there.has(one))
  })

function commandsOf(group: Json): string[] {
  const handlers = isTable(group) ? group['hooks'] : null
  if (!Array.isArray(handlers)) return []
  return handlers.flatMap((one: Json) =>
    isTable(one) && typeof one['command'] === 'string' ? [one['command']] : [],
  )
}
