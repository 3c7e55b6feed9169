/**
 * What commands answer with `--json`, and what the owner of a folder answers on the control channel.
 * Always holds: a field that is here stays; new ones are added at the end.
 */
import { count, hash, v } from './shape.ts'

const warning = v.strictObject({ kind: v.string(), path: v.string(), why: v.string() })
const pendingFollower = v.strictObject({
  id: hash,
  name: v.string(),
  platform: v.string(),
  address: v.string(),
})

/** `master install`, `follower install`: in the eyes of the system's service manager. */
const serviceReport = v.strictObject({ installed: v.boolean(), running: v.boolean() })
export type ServiceReport = v.InferOutput<typeof serviceReport>

export const masterStatus = v.strictObject({
  role: v.literal('master'),
  fingerprint: hash,
  log: v.string(),
  seq: count,
  revision: hash,
  /** Canonical files, enrolled followers, and machines that wait for approval. */
  files: count,
  followers: count,
  pending: v.array(pendingFollower),
  /** New followers wait for `master approve`. */
  approve: v.boolean(),
  /** Null when no `master serve` runs. */
  serving: v.nullable(
    v.strictObject({
      pid: count,
      hosts: v.array(v.string()),
      port: count,
      links: count,
      watching: v.boolean(),
    }),
  ),
  publishedMs: count,
  /** Paths that travel sealed. */
  secrets: v.array(v.string()),
  /** In the home and not synced, unless a rule includes it: in no table, or opt-in. */
  unlisted: v.array(v.string()),
  unlistedMore: count,
  warnings: v.array(warning),
  warningsMore: count,
  /** The evidence file of a fork, while nobody has settled it. */
  forked: v.nullable(v.string()),
  /** Why nothing is published now: the home is away, or too much of it is gone. Null when all is well. */
  paused: v.optional(
    v.nullable(
      v.strictObject({ code: v.string(), message: v.string(), hint: v.string(), since: v.string() }),
    ),
    null,
  ),
  /** Address ranges beside the tailnet that peers may come from. */
  allow: v.optional(v.array(v.string()), []),
  /** Of this machine; the command that was asked looks, and null is what it cannot tell. */
  service: v.optional(v.nullable(serviceReport), null),
  /** The Codex home; null from a running master of an older version. */
  home: v.optional(v.nullable(v.string()), null),
})
export type MasterStatus = v.InferOutput<typeof masterStatus>

export const masterLink = v.strictObject({
  link: v.string(),
  command: v.string(),
  host: v.string(),
  port: count,
  fingerprint: hash,
})
export type MasterLink = v.InferOutput<typeof masterLink>

export const followerRow = v.strictObject({
  id: hash,
  name: v.string(),
  platform: v.string(),
  state: v.picklist(['enrolled', 'revoked', 'waiting']),
  /** 0 for one that waits. */
  enrolledMs: count,
  address: v.nullable(v.string()),
})
export type FollowerReport = v.InferOutput<typeof followerRow>
export const followersReport = v.strictObject({ followers: v.array(followerRow), approve: v.boolean() })

export const rebuilt = v.strictObject({
  seq: count,
  revision: hash,
  entries: count,
  swept: count,
  /** What of the home is not published as it is. */
  warnings: v.optional(v.array(warning), []),
  warningsMore: v.optional(count, 0),
})
export const judged = v.strictObject({ id: hash, name: v.string() })
export const opened = v.strictObject({ approve: v.boolean() })
