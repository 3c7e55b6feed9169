/**
 * The two settings files of a stemma folder, `settings.toml` (what the user wants) and `local.toml` (what this
 * machine is). Always holds: every key is declared here; one that is not is refused, never ignored.
 */

import { isRefusal } from './fault.ts'
import { defaultPort, selectionRulesMax } from './limits.ts'
import { isHost, isPort, parseAddress } from './link.ts'
import { linkRule, selectionRule } from './rule.ts'
import { hash, name, v } from './shape.ts'

const rules = v.pipe(
  v.array(selectionRule, 'expected a list of paths'),
  v.maxLength(selectionRulesMax, `expected at most ${selectionRulesMax} rules`),
)
const port = v.custom<number>(
  (x) => typeof x === 'number' && (x === 0 || isPort(x)),
  'expected a port, or 0 for a free one',
)
const host = v.custom<string>((x) => typeof x === 'string' && isHost(x), 'expected an IP address or a name')
const hosts = v.pipe(v.array(host, 'expected a list of addresses'), v.minLength(1, 'expected an address'))
/** The form only: whether the digits make sense is judged where peers are (the peer rules). */
const cidr = v.custom<string>(
  (x) => typeof x === 'string' && /^[0-9A-Fa-f:.]{2,45}(?:\/[0-9]{1,3})?$/.test(x),
  'expected an address range such as 192.168.0.0/16',
)
const ranges = v.pipe(
  v.array(cidr, 'expected a list of address ranges'),
  v.maxLength(64, 'expected at most 64'),
)
const flag = v.boolean('expected true or false')
const url = v.custom<string>(
  (x) => typeof x === 'string' && /^https?:$/.test(protocolOf(x)),
  'expected an http or https address',
)

const selection = v.strictObject({
  include: v.optional(rules, []),
  exclude: v.optional(rules, []),
  links: v.optional(v.pipe(v.array(linkRule), v.maxLength(selectionRulesMax)), []),
})
const link = v.strictObject({
  /** Where the master listens (S16). */
  host: v.optional(hosts, ['0.0.0.0', '::']),
  port: v.optional(port, defaultPort),
  /** Peers outside the tailnet that may connect, and peers inside that may not (S15). */
  allow: v.optional(ranges, []),
  deny: v.optional(ranges, []),
  /** New followers wait for `master approve` (S14). */
  approve: v.optional(flag, false),
})
const upstream = v.strictObject({
  chatgpt: v.optional(url, 'https://chatgpt.com/backend-api'),
  issuer: v.optional(url, 'https://auth.openai.com'),
})

export const settings = v.strictObject({
  /** What other machines call this one; without it the host's name. */
  name: v.optional(name),
  selection: v.optional(selection, {}),
  link: v.optional(link, {}),
  upstream: v.optional(upstream, {}),
})
export type Settings = v.InferOutput<typeof settings>
export type SettingsInput = v.InferInput<typeof settings>

const address = v.custom<string>(
  (x) => typeof x === 'string' && /^wss:\/\//.test(x) && !isRefusal(parseAddress(x, '0'.repeat(64))),
  'expected the address of the master, wss://HOST:PORT',
)
const logId = v.custom<string>(
  (x) => typeof x === 'string' && /^[0-9a-f]{32}$/.test(x),
  'expected the 32 hex digits of a log id',
)
/** Of whichever system: a slip of the hand shows, and a home is never looked for beside where a command was typed. */
const home = v.custom<string>(
  (x) => typeof x === 'string' && /^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(x),
  'expected the absolute path of a Codex home',
)
export const local = v.variant(
  'role',
  [
    v.strictObject({
      role: v.literal('master'),
      /** The Codex home that this folder was made for; absent in folders of older versions. */
      home: v.optional(home),
    }),
    v.strictObject({
      role: v.literal('follower'),
      home: v.optional(home),
      master: address,
      /** SHA-256 of the master's node key: the pin (S18). */
      fingerprint: hash,
      /** What the master calls this machine, where the join said so. */
      name: v.optional(name),
      /** Our hook stands in hooks.json of the Codex home. */
      hook: v.optional(flag),
      /** Canonical hooks that the master has approved are approved here (S50). */
      trust_hooks: v.optional(flag),
      /** The log that was joined; absent until the master has shown it. */
      log: v.optional(logId),
    }),
  ],
  'expected role = "master" or role = "follower"',
)
export type Local = v.InferOutput<typeof local>
export type FollowerLocal = Extract<Local, { role: 'follower' }>

function protocolOf(text: string): string {
  try {
    return new URL(text).protocol
  } catch {
    return ''
  }
}
