/**
 * Signed heads: 211 bytes that vouch for a log up to one entry (schemas/signable.ts has the layout).
 * On disk and wire a head is exactly these bytes.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { type HeadFields, headBodyBytes, headBytes, signedHeadBytes, tags } from '../../schemas/signable.ts'
import { type PrivateKey, sign, verify } from '../crypto/ed25519.ts'
import type { KeyHistory } from '../fold/keys.ts'
import type { State } from '../fold/state.ts'

export type Head = {
  readonly [F in keyof HeadFields]: HeadFields[F] extends Uint8Array ? Buffer : HeadFields[F]
} & {
  /** Fields and signature, as they lie on disk. */
  readonly bytes: Buffer
}

const prefix = Buffer.from(`${tags.head}\0`, 'latin1')
/** Tells a head from an entry (0x95) and a base part (0x93) by its first byte. */
export const headLead = prefix[0] ?? 0

/** Fields out of bytes; the signature is checked by `headFault`. */
export function readHead(bytes: Uint8Array): Head | Refusal {
  const all = Buffer.from(bytes)
  if (all.length !== signedHeadBytes || !all.subarray(0, prefix.length).equals(prefix))
    return refuse('protocol', 'A signed head has the wrong form.')
  let at = prefix.length
  const take = (length: number) => {
    at += length
    return all.subarray(at - length, at)
  }
  const u64 = () => {
    const part = take(8)
    return part.readUInt32BE(0) * 0x1_0000_0000 + part.readUInt32BE(4)
  }
  const head = {
    logId: take(16),
    seq: u64(),
    entry: take(32),
    state: take(32),
    revision: take(32),
    foldVersion: take(4).readUInt32BE(0),
    timeMs: u64(),
    bytes: all,
  }
  if (!Number.isSafeInteger(head.seq) || head.seq < 1 || !Number.isSafeInteger(head.timeMs))
    return refuse('protocol', 'A signed head has impossible numbers.')
  return head
}

/** The head of `state` as it stands, signed with the log key. */
export function signHead(state: State, keys: KeyHistory, timeMs: number, logKey: PrivateKey): Head {
  const body = headBytes({
    logId: keys.logId,
    seq: state.at.seq,
    entry: state.at.entry,
    state: state.stateHash(),
    revision: state.revision(),
    foldVersion: state.at.foldVersion,
    timeMs,
  })
  const head = readHead(Buffer.concat([body, sign(logKey, body)]))
  if (isRefusal(head)) throw new Error(`bug: ${head.why}`)
  return head
}

/** Only who holds the key could have made it: signature and log, nothing of its content. */
export function signatureFault(head: Head, keys: Pick<KeyHistory, 'logId' | 'logKey'>): Refusal | null {
  if (!keys.logId.equals(head.logId)) return refuse('other-log', 'The signed head belongs to another log.')
  return verify(keys.logKey, head.bytes.subarray(0, headBodyBytes), head.bytes.subarray(headBodyBytes))
    ? null
    : refuse('bad-signature', 'The signature of a head does not match the key of its log.')
}

/** Does this head follow the entry that `state` stands at? With `'signature'`, is it signed by the key of its log? */
export function headFault(head: Head, state: State, care: 'place' | 'signature'): Refusal | null {
  if (!state.keys) return refuse('protocol', 'A signed head came before the charter.')
  if (head.seq !== state.at.seq)
    return refuse('protocol', `A head for entry ${head.seq} came at entry ${state.at.seq}.`)
  if (head.timeMs < state.at.timeMs) return refuse('refused', 'A head is older than the entry it signs.')
  if (head.foldVersion !== state.at.foldVersion)
    return refuse('upgrade-needed', 'The log is folded by rules that this stemma does not know.')
  const unsigned = care === 'signature' ? signatureFault(head, state.keys) : null
  if (unsigned) return unsigned
  return head.entry.equals(state.at.entry)
    ? null
    : refuse('fork', `Two different entries have the number ${head.seq}.`, { seq: head.seq })
}

/** Does it vouch for exactly this state? The costly part: every row that changed since the last time is hashed. */
export function stateFault(head: Head, state: State): Refusal | null {
  return head.state.equals(state.stateHash()) && head.revision.equals(state.revision())
    ? null
    : refuse(
        'state-mismatch',
        `Folding the log to entry ${head.seq} gives another state here than the master signed.`,
        { seq: head.seq },
      )
}
