/**
 * The keys a log stands on: its charter, and every rotation since, each vouched for by what was before it.
 * Always holds: a KeyHistory exists only when every signature in it was verified. The pinned fingerprint of a
 * link must be one of `nodes`: the newest for a new join, any of them for a follower that knew an older one.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { keyRotationsMax } from '../../schemas/limits.ts'
import type { CharterRow, KeyRow, RotationRow } from '../../schemas/section.ts'
import type { Hash } from '../../schemas/shape.ts'
import { charterBytes, recoverBytes, rotateBytes } from '../../schemas/signable.ts'
import { fingerprint, verify } from '../crypto/ed25519.ts'

export type KeyHistory = {
  readonly logId: Buffer
  readonly logKey: Buffer
  readonly nodeKey: Buffer
  readonly recoveryKey: Buffer
  /** Fingerprints of all node keys so far, the oldest first. */
  readonly nodes: readonly Hash[]
  /** Fingerprints of all keys that ever had a role. */
  readonly used: readonly Hash[]
  readonly rotations: number
}

const bad = (why: string): Refusal => refuse('bad-signature', why)
const copy = (bytes: Uint8Array): Buffer => Buffer.from(bytes)

/** The history that a charter begins. */
export function startKeys(charter: CharterRow): KeyHistory | Refusal {
  const signed = charterBytes(charter)
  if (!verify(charter.logKey, signed, charter.byLog) || !verify(charter.nodeKey, signed, charter.byNode))
    return bad('The charter of the log does not carry the signatures of its own keys.')
  return {
    logId: copy(charter.logId),
    logKey: copy(charter.logKey),
    nodeKey: copy(charter.nodeKey),
    recoveryKey: copy(charter.recoveryKey),
    nodes: [fingerprint(charter.nodeKey)],
    used: [charter.logKey, charter.nodeKey, charter.recoveryKey].map(fingerprint),
    rotations: 0,
  }
}

/** The history after one more rotation or recovery. */
export function extendKeys(history: KeyHistory, rotation: RotationRow): KeyHistory | Refusal {
  if (history.rotations >= keyRotationsMax)
    return refuse('refused', `A log has at most ${keyRotationsMax} key rotations.`)
  const oldKey = rotation.role === 'log' ? history.logKey : history.nodeKey
  const fields = {
    logId: history.logId,
    index: history.rotations + 1,
    role: rotation.role,
    oldKey,
    newKey: rotation.key,
  }
  const recovered = rotation.kind === 'recovered'
  const signed = recovered ? recoverBytes(fields) : rotateBytes(fields)
  const voucher = recovered ? history.recoveryKey : oldKey
  const name = fingerprint(rotation.key)
  if (history.used.includes(name)) return bad('A key rotation leads back to a key that the log already had.')
  if (!verify(voucher, signed, rotation.by) || !verify(rotation.key, signed, rotation.byNew))
    return bad('A key rotation is not signed by both the key that vouches for it and the new key.')
  const key = copy(rotation.key)
  return {
    ...history,
    rotations: history.rotations + 1,
    used: [...history.used, name],
    ...(rotation.role === 'log' ? { logKey: key } : { nodeKey: key, nodes: [...history.nodes, name] }),
  }
}

/** The history that the rows of the keys section tell, from the charter on. */
export function readKeys(rows: readonly KeyRow[]): KeyHistory | Refusal {
  const [first, ...rest] = rows
  if (first?.kind !== 'charter') return bad('The key history does not begin with a charter.')
  let history = startKeys(first)
  for (const row of rest) {
    if (isRefusal(history)) return history
    if (row.kind === 'charter') return bad('The key history has a second charter.')
    history = extendKeys(history, row)
  }
  return history
}

/** The log key that signs the head of entry `seq`: a rotation's own head is signed by the new key. */
export function logKeyAt(rows: Iterable<KeyRow>, seq: number): Uint8Array | null {
  let key: Uint8Array | null = null
  for (const row of rows) {
    if (row.kind === 'charter') key = row.logKey
    else if (row.role === 'log' && row.seq <= seq) key = row.key
  }
  return key
}
