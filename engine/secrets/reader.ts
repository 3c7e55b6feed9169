/**
 * The follower's side of secrets: which blobs they need, and what they say.
 * Always holds: what is returned was sealed for this log by who holds the epoch key, and the epoch key came in a grant
 * for this very machine; plain text stays in memory.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { FollowerId, Hash } from '../../schemas/shape.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { fromHash, toHash } from '../crypto/hash.ts'
import type { SealKey } from '../crypto/x25519.ts'
import { currentEpoch, currentWraps } from '../fold/reducers/epoch.ts'
import type { State } from '../fold/state.ts'
import { openGrant } from './grant.ts'
import { openSecret } from './seal.ts'
import { openWraps, readWraps, type Wraps } from './wraps.ts'

export type OpenedSecret = { readonly exec: boolean; readonly plain: Buffer }

/** Blobs that the secrets of `state` need and that are not here: the wraps first, the ciphertexts once they are. */
export async function missingSecrets(state: State, blobs: Blobs): Promise<Hash[] | Refusal> {
  const wraps = currentWraps(state)
  if (wraps === null) return state.maps.secrets.size === 0 ? [] : unnamed()
  if (!(await blobs.has(wraps))) return [wraps]
  const read = await readHere(wraps, blobs)
  if (isRefusal(read)) return read
  const missing: Hash[] = []
  for (const { sealed } of liveRows(state, read)) if (!(await blobs.has(sealed))) missing.push(sealed)
  return missing
}

/** Blobs that a sweep must leave: the wraps and the ciphertexts of `state`. */
export async function neededBySecrets(state: State, blobs: Blobs): Promise<Hash[]> {
  const wraps = currentWraps(state)
  if (wraps === null) return []
  const read = (await blobs.has(wraps)) ? await readHere(wraps, blobs) : null
  return read === null || isRefusal(read)
    ? [wraps]
    : [wraps, ...liveRows(state, read).map((row) => row.sealed)]
}

/** Every secret of `state` in plain text. A machine without a grant (none yet, or revoked) is refused. */
export async function openSecrets(
  state: State,
  blobs: Blobs,
  id: FollowerId,
  key: SealKey,
): Promise<Map<HomePath, OpenedSecret> | Refusal> {
  const out = new Map<HomePath, OpenedSecret>()
  if (state.maps.secrets.size === 0) return out
  const wraps = currentWraps(state)
  const logId = state.keys?.logId
  if (wraps === null || !logId) return unnamed()
  const row = state.maps.epochs.get(id)
  if (row?.kind !== 'grant')
    return refuse('waiting', 'The master has not granted this machine the key of the secrets.')
  const epoch = currentEpoch(state)
  const epochKey = openGrant(key, { logId, epoch, follower: fromHash(id) }, row.sealed)
  if (isRefusal(epochKey)) return epochKey
  const read = await readHere(wraps, blobs)
  if (isRefusal(read)) return read
  const live = openWraps(read, { logId, epoch, key: epochKey })
  if (isRefusal(live)) return live
  const byContent = new Map(live.map((one) => [one.content.toString('hex'), one]))
  for (const [path, secret] of state.maps.secrets.rows()) {
    const one = byContent.get(Buffer.from(secret.content).toString('hex'))
    if (!one) return unnamed()
    const sealed = await blobs.readWhole(one.sealed)
    if (!sealed)
      return refuse('blob-damaged', `The stored copy of a sealed content is damaged.`, { hash: one.sealed })
    const plain = openSecret(one.key, { logId, content: secret.content }, sealed)
    if (isRefusal(plain)) return plain
    // Only checked paths become rows.
    out.set(path as HomePath, { exec: secret.exec, plain })
  }
  return out
}

async function readHere(wraps: Hash, blobs: Blobs): Promise<Wraps | Refusal> {
  const bytes = await blobs.readWhole(wraps)
  return bytes
    ? readWraps(bytes)
    : refuse('blob-damaged', 'The stored list of wrapped keys is damaged.', { hash: wraps })
}

function liveRows(state: State, wraps: Wraps): { readonly sealed: Hash }[] {
  const live = new Set(
    [...state.maps.secrets.rows().values()].map((row) => Buffer.from(row.content).toString('hex')),
  )
  return wraps.rows
    .filter(([content]) => live.has(Buffer.from(content).toString('hex')))
    .map(([, sealed]) => ({ sealed: toHash(sealed) }))
}

const unnamed = (): Refusal => refuse('protocol', 'The log holds a secret whose key it does not name.')
