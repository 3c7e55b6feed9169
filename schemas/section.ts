/**
 * The sections of the folded state: what a base carries and what the state hash covers.
 * Each row kind is declared once: its shape (as a base carries it) and its byte layout (as it is hashed).
 * Sections are numbered by their place in `sections`; the order is part of the format.
 */

import { sealedGrantBytesMax } from './event/epoch.ts'
import { contentIdBytes } from './event/secret.ts'
import { selectionChanged } from './event/selection.ts'
import { fileBytesMax } from './limits.ts'
import { bytes, bytesUpTo, count, countUpTo, name, platform, v } from './shape.ts'
import { hashBytes, logIdBytes, rowBytes, signatureBytes } from './signable.ts'

const file = v.strictObject({ exec: v.boolean(), size: countUpTo(fileBytesMax), blob: bytes(hashBytes) })
const secret = v.strictObject({ exec: v.boolean(), content: bytes(contentIdBytes) })

const follower = v.strictObject({
  kind: v.literal('follower'),
  node: bytes(hashBytes),
  seal: bytes(hashBytes),
  name,
  platform,
  enrolledMs: count,
  /** 0 while it may read. */
  revokedMs: count,
})
const enrolment = v.strictObject({ kind: v.literal('enrolment'), approve: v.boolean() })

const currentEpoch = v.strictObject({
  kind: v.literal('current'),
  epoch: countUpTo(0xffffffff),
  /** The blob with the wrapped data keys; 32 zero bytes while the epoch has none. */
  wraps: bytes(hashBytes),
})
const grant = v.strictObject({
  kind: v.literal('grant'),
  epoch: countUpTo(0xffffffff),
  follower: bytes(hashBytes),
  sealed: bytesUpTo(sealedGrantBytesMax),
})

const charter = v.strictObject({
  kind: v.literal('charter'),
  logId: bytes(logIdBytes),
  logKey: bytes(hashBytes),
  nodeKey: bytes(hashBytes),
  recoveryKey: bytes(hashBytes),
  foldVersion: countUpTo(0xffff),
  byLog: bytes(signatureBytes),
  byNode: bytes(signatureBytes),
})
/** A rotation or a recovery: `by` is the old key's or the recovery key's signature. */
const rotation = v.strictObject({
  kind: v.picklist(['rotated', 'recovered']),
  role: v.picklist(['log', 'node']),
  key: bytes(hashBytes),
  by: bytes(signatureBytes),
  byNew: bytes(signatureBytes),
  /** The entry that carried it: heads from there on are signed by the new key. */
  seq: count,
})

export const rows = {
  files: file,
  secrets: secret,
  /** Filled by a later fold version: no account event exists in version 1, so no row is valid. */
  accounts: v.never(),
  followers: v.variant('kind', [follower, enrolment]),
  epochs: v.variant('kind', [currentEpoch, grant]),
  keys: v.variant('kind', [charter, rotation]),
  selection: selectionChanged.body,
} as const

export const sections = ['files', 'secrets', 'accounts', 'followers', 'epochs', 'keys', 'selection'] as const
export type Section = (typeof sections)[number]
export type Row<S extends Section> = v.InferOutput<(typeof rows)[S]>
export type FileRow = Row<'files'>
export type FollowerRow = v.InferOutput<typeof follower>
export type CharterRow = v.InferOutput<typeof charter>
export type RotationRow = v.InferOutput<typeof rotation>
export type KeyRow = Row<'keys'>

/** In a base, checkpoints travel as one more section with this number. */
export const checkpointSection = 255

const flag = (x: boolean) => ({ u8: x ? 1 : 0 })
const list = (items: readonly string[]) => [{ u32: items.length }, ...items.map((text) => ({ text }))]

/** The bytes of a row, as hashed into its section's Merkle map. */
export const rowLayouts: { readonly [S in Section]: (row: Row<S>) => Buffer } = {
  files: (r) => rowBytes('file', [flag(r.exec), { u64: r.size }, { raw: r.blob }]),
  secrets: (r) => rowBytes('secret', [flag(r.exec), { raw: r.content }]),
  accounts: (r) => r,
  followers: (r) =>
    r.kind === 'enrolment'
      ? rowBytes('enrolment', [flag(r.approve)])
      : rowBytes('follower', [
          { raw: r.node },
          { raw: r.seal },
          { text: r.name },
          { text: r.platform },
          { u64: r.enrolledMs },
          { u64: r.revokedMs },
        ]),
  epochs: (r) =>
    r.kind === 'current'
      ? rowBytes('epoch', [{ u32: r.epoch }, { raw: r.wraps }])
      : rowBytes('grant', [
          { u32: r.epoch },
          { raw: r.follower },
          { u32: r.sealed.length },
          { raw: r.sealed },
        ]),
  keys: (r) =>
    r.kind === 'charter'
      ? rowBytes('charter', [
          { raw: r.logId },
          { raw: r.logKey },
          { raw: r.nodeKey },
          { raw: r.recoveryKey },
          { u32: r.foldVersion },
          { raw: r.byLog },
          { raw: r.byNode },
        ])
      : rowBytes('rotation', [
          flag(r.kind === 'recovered'),
          { u8: r.role === 'log' ? 1 : 2 },
          { raw: r.key },
          { raw: r.by },
          { raw: r.byNew },
          { u64: r.seq },
        ]),
  selection: (r) =>
    rowBytes('selection', [
      ...list(r.include),
      ...list(r.exclude),
      { u32: r.links.length },
      ...r.links.flatMap((link) => [{ text: link.path }, { text: link.target }]),
    ]),
}
