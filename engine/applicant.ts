/** Who asks to read a log, and how it stands to it. */
import type { FollowerRow } from '../schemas/section.ts'
import type { FollowerId, Platform } from '../schemas/shape.ts'

/** Who asks to read the log: what its certificate proved and what its hello said. */
export type Applicant = {
  readonly node: Buffer
  readonly seal: Buffer
  readonly name: string
  readonly platform: Platform
}
export type Standing = 'enrolled' | 'revoked' | 'unknown'
export type FollowerFacts = FollowerRow & { readonly id: FollowerId }

/** How a follower's newest head relates to this log. */
export type Relation = 'new' | 'behind' | 'level' | 'ahead'
