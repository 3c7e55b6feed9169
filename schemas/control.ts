/**
 * The control channel: what a process of the same user may ask the one that owns a stemma folder.
 * Always holds: one line of JSON asks, one line answers, then the connection ends.
 */
import { type Code, isCode } from './code.ts'
import type { Facts } from './fault.ts'
import { isHost } from './link.ts'
import { count, countUpTo, name, v } from './shape.ts'

/** A follower as people name it: its name, its id, or the beginning of its id. */
const follower = name
const host = v.custom<string>((x) => typeof x === 'string' && isHost(x), 'expected an IP address or a name')

export const controlRequest = v.variant('cmd', [
  v.strictObject({ cmd: v.literal('who') }),
  v.strictObject({ cmd: v.literal('status') }),
  /** `yes`: publish that files are gone, however many. */
  v.strictObject({ cmd: v.literal('rebuild'), yes: v.optional(v.boolean()) }),
  v.strictObject({ cmd: v.literal('followers') }),
  v.strictObject({ cmd: v.literal('approve'), follower }),
  v.strictObject({ cmd: v.literal('revoke'), follower }),
  v.strictObject({ cmd: v.literal('open') }),
  /** `host`, `port`: what to name in it, instead of this machine's own; port 0 counts as none. */
  v.strictObject({ cmd: v.literal('link'), host: v.optional(host), port: v.optional(countUpTo(65535)) }),
  v.strictObject({ cmd: v.literal('stop') }),
  /** To a follower that watches: let another command have the folder for a moment. */
  v.strictObject({ cmd: v.literal('lend') }),
])
export type ControlRequest = v.InferOutput<typeof controlRequest>

/**
 * What `who` answers. `claiming`: it listens, and is still looking whether somebody else was there first.
 * `what` is the command it runs, for people.
 */
export const controlWho = v.strictObject({
  state: v.picklist(['claiming', 'owner']),
  pid: count,
  what: name,
})
export type ControlWho = v.InferOutput<typeof controlWho>

const fact = v.union([v.string(), v.number(), v.boolean(), v.null()])
/** `bug`: the owner met a condition that it holds impossible; it says so and stops. */
const errorCode = v.custom<Code | 'bug'>(
  (x) => x === 'bug' || (typeof x === 'string' && isCode(x)),
  'expected a known code',
)
const controlError = v.strictObject({
  code: errorCode,
  message: v.string(),
  facts: v.record(v.string(), fact),
})
export const controlResponse = v.union([
  v.strictObject({ ok: v.unknown() }),
  v.strictObject({ error: controlError }),
])
/** `ok` is plain JSON; each command's own shape belongs to the one who asks. */
export type ControlResponse =
  | { readonly ok: unknown }
  | { readonly error: { readonly code: Code | 'bug'; readonly message: string; readonly facts: Facts } }
