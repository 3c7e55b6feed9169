/**
 * Every byte layout that is signed or hashed, declared once (docs/FORMAT.md is the same in prose).
 * Always holds: each begins with its own tag and a NUL, so bytes signed for one purpose fit no other;
 * integers are unsigned big-endian; variable parts are preceded by their length in 32 bits.
 * The one untagged hash is that of an entry, over its bytes as they are: msgpack of a five-array begins
 * with 0x95, every tag with 0x73, so the two cannot meet.
 */

type Field =
  | { readonly u8: number }
  | { readonly u32: number }
  | { readonly u64: number }
  | { readonly raw: Uint8Array }
  | { readonly text: string }

function sizeOf(field: Field): number {
  if ('u8' in field) return 1
  if ('u32' in field) return 4
  if ('u64' in field) return 8
  if ('raw' in field) return field.raw.length
  return 4 + Buffer.byteLength(field.text)
}

/** Lays out `tag NUL fields`. */
export function layout(tag: string, fields: readonly Field[]): Buffer {
  let size = tag.length + 1
  for (const field of fields) size += sizeOf(field)
  const out = Buffer.allocUnsafe(size)
  let at = out.write(tag, 0, 'latin1')
  out[at++] = 0
  for (const field of fields) {
    if ('u8' in field) at = out.writeUInt8(field.u8, at)
    else if ('u32' in field) at = out.writeUInt32BE(field.u32, at)
    else if ('u64' in field) {
      at = out.writeUInt32BE(Math.floor(field.u64 / 0x1_0000_0000), at)
      at = out.writeUInt32BE(field.u64 >>> 0, at)
    } else if ('raw' in field) {
      out.set(field.raw, at)
      at += field.raw.length
    } else {
      const length = Buffer.byteLength(field.text)
      at = out.writeUInt32BE(length, at)
      at += out.write(field.text, at, 'utf8')
    }
  }
  return out
}

export const tags = {
  chain: 'stemma/chain/v1',
  head: 'stemma/head/v1',
  channel: 'stemma/channel/v1',
  charter: 'stemma/charter/v1',
  rotate: 'stemma/rotate/v1',
  recover: 'stemma/recover/v1',
  grant: 'stemma/grant/v1',
  secret: 'stemma/secret/v1',
  wrap: 'stemma/wrap/v1',
  state: 'stemma/state/v1',
  revision: 'stemma/revision/v1',
  checkpoint: 'stemma/checkpoint/v1',
  key: 'stemma/key/v1',
  bucket: 'stemma/bucket/v1',
  node: 'stemma/node/v1',
} as const

/** Hashed: what the first entry names as its predecessor, so that a chain belongs to one log from its root. */
export const chainRoot = (logId: Uint8Array): Buffer => layout(tags.chain, [{ raw: logId }])

export type HeadFields = {
  readonly logId: Uint8Array
  readonly seq: number
  readonly entry: Uint8Array
  readonly state: Uint8Array
  readonly revision: Uint8Array
  readonly foldVersion: number
  readonly timeMs: number
}
/** Signed by the log key. A head on disk and on the wire is exactly these bytes and the signature behind them. */
export const headBytes = (h: HeadFields): Buffer =>
  layout(tags.head, [
    { raw: h.logId },
    { u64: h.seq },
    { raw: h.entry },
    { raw: h.state },
    { raw: h.revision },
    { u32: h.foldVersion },
    { u64: h.timeMs },
  ])
export const logIdBytes = 16
export const hashBytes = 32
export const signatureBytes = 64
/** tag 14 + NUL 1 + log id 16 + seq 8 + three hashes 96 + fold version 4 + time 8 */
export const headBodyBytes = 147
export const signedHeadBytes = headBodyBytes + signatureBytes

/** Signed by the log key in the master's hello: log authority bound to this TLS channel (exporter, 32 bytes). */
export const channelBytes = (signedHead: Uint8Array, exporter: Uint8Array): Buffer =>
  layout(tags.channel, [{ raw: signedHead }, { raw: exporter }])

/** Signed by log key and node key: the first entry. */
export const charterBytes = (c: {
  logId: Uint8Array
  logKey: Uint8Array
  nodeKey: Uint8Array
  recoveryKey: Uint8Array
  foldVersion: number
}): Buffer =>
  layout(tags.charter, [
    { raw: c.logId },
    { raw: c.logKey },
    { raw: c.nodeKey },
    { raw: c.recoveryKey },
    { u32: c.foldVersion },
  ])

export type KeyRole = 'log' | 'node'
const roleByte = { log: 1, node: 2 } as const
type RotationFields = {
  logId: Uint8Array
  /** 1 for the first rotation of the log: a signature fits one place in the history. */
  index: number
  role: KeyRole
  oldKey: Uint8Array
  newKey: Uint8Array
}
const rotationFields = (r: RotationFields): Field[] => [
  { raw: r.logId },
  { u32: r.index },
  { u8: roleByte[r.role] },
  { raw: r.oldKey },
  { raw: r.newKey },
]
/** Signed by the old and by the new key. */
export const rotateBytes = (r: RotationFields): Buffer => layout(tags.rotate, rotationFields(r))
/** Signed by the recovery key and by the new key, when the old one is lost. */
export const recoverBytes = (r: RotationFields): Buffer => layout(tags.recover, rotationFields(r))

/** What a grant is bound to: the box that seals the epoch key opens with this beside it. */
export const grantBytes = (g: { logId: Uint8Array; epoch: number; follower: Uint8Array }): Buffer =>
  layout(tags.grant, [{ raw: g.logId }, { u32: g.epoch }, { raw: g.follower }])

/** Authenticated with a sealed content: it opens in one place of one log only. */
export const secretBytes = (s: { logId: Uint8Array; content: Uint8Array }): Buffer =>
  layout(tags.secret, [{ raw: s.logId }, { raw: s.content }])
/** Authenticated with a wrapped data key. */
export const wrapBytes = (w: {
  logId: Uint8Array
  epoch: number
  content: Uint8Array
  sealed: Uint8Array
}): Buffer => layout(tags.wrap, [{ raw: w.logId }, { u32: w.epoch }, { raw: w.content }, { raw: w.sealed }])

/** Hashed: one number for the whole state. Roots in the order of `sections` (schemas/section.ts). */
export const stateBytes = (
  foldVersion: number,
  roots: readonly Uint8Array[],
  checkpoint: Uint8Array,
): Buffer =>
  layout(tags.state, [
    { u32: foldVersion },
    { u8: roots.length },
    ...roots.map((raw) => ({ raw })),
    { raw: checkpoint },
  ])
/** Hashed: the content of the canonical tree alone (S24). */
export const revisionBytes = (files: Uint8Array, secrets: Uint8Array): Buffer =>
  layout(tags.revision, [{ raw: files }, { raw: secrets }])
/** Hashed: the running checkpoint, one link for every 256th entry. */
export const checkpointBytes = (previous: Uint8Array, seq: number, entry: Uint8Array): Buffer =>
  layout(tags.checkpoint, [{ raw: previous }, { u64: seq }, { raw: entry }])

const bucketTag = layout(tags.bucket, [])
const nodeTag = layout(tags.node, [])

/** Hashed: where a key stands in its section's Merkle map. */
export const mapKeyBytes = (key: string): Buffer => layout(tags.key, [{ text: key }])
/** Hashed: a bucket of at most 16 pairs, sorted by key hash. */
export function bucketBytes(
  pairs: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[],
): Buffer {
  // Every changed file has its bucket hashed: laid out without a field object for each part, in a fifth of the time.
  const parts: Uint8Array[] = [bucketTag]
  for (const { key, value } of pairs) parts.push(key, value)
  return Buffer.concat(parts)
}
/** Hashed: an inner node, sixteen children by the next four bits of the key hash. */
export const nodeBytes = (children: readonly Uint8Array[]): Buffer => Buffer.concat([nodeTag, ...children])

/** Row values, hashed into the Merkle maps: one layout a row kind. */
export const rowBytes = (kind: string, fields: readonly Field[]): Buffer =>
  layout(`stemma/row/${kind}/v1`, fields)
