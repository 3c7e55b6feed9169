/**
 * Hooks as Codex 0.169 reads them: which handlers a declaration yields, at which place, and the hash under which
 * Codex asks for approval. Pure.
 * Always holds: a hash covers what Codex would run and when (event, matcher, handler with its defaults filled in),
 * never the place, so one declaration has one hash on every machine of a platform. Where this and Codex disagree,
 * Codex finds a hash that nobody approved and skips the hook: the safe side.
 * Each fact is pinned by `test/e2e/hook.test.ts`; not run so far: Windows, where `commandWindows` counts.
 */
import { unreachable } from '../../schemas/fault.ts'
import { type Platform, v } from '../../schemas/shape.ts'
import { sha256Hex } from '../crypto/hash.ts'
import { readJson } from './json.ts'

type EventFacts = {
  /** As it stands in keys and hashes. */
  readonly snake: string
  /** Seconds, where a handler names none. */
  readonly timeout: number
  /** Elsewhere Codex drops a matcher, from the hash too. */
  readonly matches: boolean
  /** Elsewhere Codex drops an `additionalContextLimit`, from the hash too. */
  readonly tellsContext: boolean
}
const fact = (snake: string, more: Partial<EventFacts> = {}): EventFacts => ({
  snake,
  timeout: 600,
  matches: true,
  tellsContext: false,
  ...more,
})

/** Every event of Codex 0.169 by its name in a declaration, in the order in which Codex lists them. */
export const hookEvents = {
  PreModelRequest: fact('pre_model_request', { matches: false }),
  PostModelRequest: fact('post_model_request', { matches: false }),
  PreToolUse: fact('pre_tool_use', { tellsContext: true }),
  PermissionRequest: fact('permission_request'),
  PostToolUse: fact('post_tool_use', { tellsContext: true }),
  PreCompact: fact('pre_compact'),
  PostCompact: fact('post_compact'),
  SessionStart: fact('session_start', { tellsContext: true }),
  SessionEnd: fact('session_end', { timeout: 1 }),
  UserPromptSubmit: fact('user_prompt_submit', { matches: false, tellsContext: true }),
  SubagentStart: fact('subagent_start', { tellsContext: true }),
  SubagentStop: fact('subagent_stop'),
  Stop: fact('stop', { matches: false }),
  Interrupt: fact('interrupt', { timeout: 1, matches: false }),
} as const satisfies Record<string, EventFacts>
export type HookEvent = keyof typeof hookEvents
const eventNames = Object.keys(hookEvents).filter((name): name is HookEvent => name in hookEvents)

/** A whole number, as JSON has it or as an exact reading of TOML has it. */
const whole = v.pipe(v.union([v.number(), v.bigint()]), v.transform(Number), v.safeInteger(), v.minValue(0))
const common = { timeout: v.nullish(whole), statusMessage: v.nullish(v.string()) }
const commandHandler = v.object({
  type: v.literal('command'),
  command: v.string(),
  commandWindows: v.nullish(v.string()),
  command_windows: v.nullish(v.string()),
  async: v.optional(v.boolean()),
  additionalContextLimit: v.nullish(whole),
  ...common,
})
const toolInput = v.custom<object>(
  (x) => typeof x === 'object' && x !== null && !Array.isArray(x),
  'expected a table',
)
const toolHandler = v.object({
  type: v.literal('mcp_tool'),
  server: v.string(),
  tool: v.string(),
  input: v.optional(toolInput),
  ...common,
})
const handlerShape = v.variant('type', [
  commandHandler,
  toolHandler,
  v.object({ type: v.literal('prompt') }),
  v.object({ type: v.literal('agent') }),
])
const groupShape = v.object({ matcher: v.nullish(v.string()), hooks: v.optional(v.array(handlerShape), []) })
const hooksTable = v.object(
  Object.fromEntries(eventNames.map((name) => [name, v.optional(v.array(groupShape), [])])),
)
/** Unlike a table, the file may hold nothing else: Codex drops it whole for one unknown key. */
const hooksFile = v.strictObject({ description: v.nullish(v.string()), hooks: v.optional(hooksTable, {}) })
type Group = v.InferOutput<typeof groupShape>
type Handler = v.InferOutput<typeof handlerShape>

/** A handler that Codex would run, once approved. */
export type Hook = {
  readonly event: HookEvent
  /** Its group among those of the event, and its place in the group: both as written, skipped ones counted. */
  readonly group: number
  readonly handler: number
  /** `sha256:` and 64 hex digits: Codex's `trusted_hash`. */
  readonly hash: string
  /** What it runs; null for a tool of an MCP server. */
  readonly command: string | null
}
export type HookList = {
  readonly hooks: readonly Hook[]
  /** Why Codex loads none of it; null when it does. */
  readonly fault: string | null
}

/** The hooks of a hooks.json. */
export function readHooksFile(text: string, platform: Platform): HookList {
  const json = readJson(text)
  if ('fault' in json) return { hooks: [], fault: json.fault }
  const read = v.safeParse(hooksFile, json.value)
  return read.success ? { hooks: listGroups(read.output.hooks, platform), fault: null } : faultOf(read.issues)
}

/** The hooks in the `hooks` table of a config.toml or a profile; its `state` is not looked at. */
export function listHooks(table: unknown, platform: Platform): HookList {
  const read = v.safeParse(hooksTable, table ?? {})
  return read.success ? { hooks: listGroups(read.output, platform), fault: null } : faultOf(read.issues)
}

/**
 * The key under which Codex keeps the approval of a hook.
 * @param file the declaring file: absolute, every symlink resolved.
 */
export const hookKey = (file: string, hook: Pick<Hook, 'event' | 'group' | 'handler'>): string =>
  `${file}:${hookEvents[hook.event].snake}:${hook.group}:${hook.handler}`

/** What a declaration says of one handler, or null when Codex never runs it (empty, or of a kind to come). */
export function hookHash(
  event: HookEvent,
  matcher: string | null,
  declared: Handler,
  platform: Platform,
): { readonly hash: string; readonly command: string | null } | null {
  const facts = hookEvents[event]
  const said = normalHandler(event, declared, platform)
  if (said === null) return null
  const identity = {
    event_name: facts.snake,
    hooks: [said],
    ...(facts.matches && matcher !== null ? { matcher } : {}),
  }
  const hash = `sha256:${sha256Hex(Buffer.from(compactJson(identity)))}`
  return { hash, command: said.type === 'command' ? said.command : null }
}

function normalHandler(event: HookEvent, declared: Handler, platform: Platform) {
  const facts = hookEvents[event]
  if (declared.type === 'prompt' || declared.type === 'agent') return null
  const shared = {
    timeout: Math.max(1, declared.timeout ?? facts.timeout),
    ...(declared.statusMessage == null ? {} : { statusMessage: declared.statusMessage }),
  }
  switch (declared.type) {
    case 'command': {
      const ofWindows = declared.commandWindows ?? declared.command_windows
      const command = platform === 'win32' ? (ofWindows ?? declared.command) : declared.command
      if (command.trim() === '') return null
      const limit = facts.tellsContext ? declared.additionalContextLimit : null
      return {
        type: declared.type,
        command,
        async: declared.async ?? false,
        ...(limit == null ? {} : { additionalContextLimit: limit }),
        ...shared,
      }
    }
    case 'mcp_tool': {
      if (declared.server === '' || declared.tool === '' || event === 'SessionEnd') return null
      const { type, server, tool, input = {} } = declared
      return { type, server, tool, input: textNumbers(input), ...shared }
    }
    default:
      return unreachable(declared)
  }
}

function listGroups(groups: Readonly<Record<string, readonly Group[]>>, platform: Platform): Hook[] {
  return eventNames.flatMap((event) =>
    (groups[event] ?? []).flatMap((one, group) =>
      one.hooks.flatMap((declared, handler) => {
        const said = hookHash(event, one.matcher ?? null, declared, platform)
        return said ? [{ event, group, handler, ...said }] : []
      }),
    ),
  )
}

/**
 * Codex keeps the numbers of a tool's input as they are written, which its hash shows: each is a table of this one
 * key. A number that JavaScript would write in another way (`1.0`) gets another hash here.
 */
function textNumbers(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint')
    return { '$serde_json::private::Number': String(value) }
  if (Array.isArray(value)) return value.map(textNumbers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, textNumbers(inner)]))
}

function faultOf(issues: readonly v.BaseIssue<unknown>[]): HookList {
  const [first] = issues
  const place = (first?.path ?? []).map((step) => String(step.key)).join('.')
  return { hooks: [], fault: `${place || 'the whole'} is not what Codex takes there` }
}

/** JSON as Codex hashes it: no space, the keys of every object in byte order. */
export function compactJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compactJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .map(([key, inner]) => ({ key, bytes: Buffer.from(key), inner }))
    .sort((a, b) => a.bytes.compare(b.bytes))
    .map(({ key, inner }) => `${JSON.stringify(key)}:${compactJson(inner)}`)
  return `{${members.join(',')}}`
}
