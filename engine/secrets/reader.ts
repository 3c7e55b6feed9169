/**
 * The follower's side of secrets: which blobs they need, and what they say.
 * Always holds:
 * 1. What is returned was sealed for this log by who holds the epoch key, and the epoch key came in a grant for this
 *    very machine; plain text stays in memory.
 * 2. A secret that does not open is told with its reason and costs no other file anything: the machine may have no
 *    grant yet, and after a loss the master seals anew only when it looks next.
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
import { type LiveKey, openWraps, readWraps, type Wraps } from './wraps.ts'

export type OpenedSecret = { readonly exec: boolean; readonly plain: Buffer }
export type Opened = {
  readonly secrets: ReadonlyMap<HomePath, OpenedSecret>
  /** Canonical, and cannot be opened here now; with the reason. */
  readonly closed: ReadonlyMap<HomePath, Refusal>
}

/** Blobs that the secrets of `state` need and that are not here: the wraps first, the ciphertexts once they are. */
export async function missingSecrets(state: State, blobs: Blobs): Promise<Hash[]> {
  const wraps = currentWraps(state)
  if (wraps === null) return []
  const read = await readHere(wraps, blobs)
  // A copy that turned out damaged was set aside: it is missing like one that never came.
  if (isRefusal(read)) return (await blobs.has(wraps)) ? [] : [wraps]
  const missing: Hash[] = []
  for (const sealed of liveIn(state, read)) if (!(await blobs.has(sealed))) missing.push(sealed)
  return missing
}

/** How long each ciphertext is, as the wraps of `state` say; nothing while they are not here. */
export async function sealedSizes(state: State, blobs: Blobs): Promise<ReadonlyMap<Hash, number>> {
  const wraps = currentWraps(state)
  const read = wraps === null ? null : await readHere(wraps, blobs)
  if (read === null || isRefusal(read)) return new Map()
  return new Map(read.rows.map(([, sealed, sealedBytes]) => [toHash(sealed), sealedBytes]))
}

/** Blobs that a sweep must leave: the wraps and the ciphertexts of `state`. */
export async function neededBySecrets(state: State, blobs: Blobs): Promise<Hash[]> {
  const wraps = currentWraps(state)
  if (wraps === null) return []
  const read = await readHere(wraps, blobs)
  return isRefusal(read) ? [wraps] : [wraps, ...liveIn(state, read)]
}

/** The ciphertexts that a wraps blob names; none while it is not here. */
export async function namedByWraps(wraps: Hash, blobs: Blobs): Promise<Hash[]> {
  const read = await readHere(wraps, blobs)
  return isRefusal(read) ? [] : read.rows.map(([, sealed]) => toHash(sealed))
}

/** Every secret of `state` in plain text, or why it does not open. */
export async function openSecrets(state: State, blobs: Blobs, id: FollowerId, key: SealKey): Promise<Opened> {
  const secrets = new Map<HomePath, OpenedSecret>()
  const closed = new Map<HomePath, Refusal>()
  if (state.maps.secrets.size === 0) return { secrets, closed }
  const live = await openKeys(state, blobs, id, key)
  for (const [name, { exec, content }] of state.maps.secrets.rows()) {
    // Only checked paths become rows.
    const path = name as HomePath
    const plain = isRefusal(live) ? live : await openOne(state, blobs, live.get(hex(content)), content)
    if (isRefusal(plain)) closed.set(path, plain)
    else secrets.set(path, { exec, plain })
  }
  return { secrets, closed }
}

type Keys = ReadonlyMap<string, LiveKey>

/** The data keys by content id, by way of this machine's grant. */
async function openKeys(state: State, blobs: Blobs, id: FollowerId, key: SealKey): Promise<Keys | Refusal> {
  const wraps = currentWraps(state)
  const logId = state.keys?.logId
  const row = state.maps.epochs.get(id)
  if (wraps === null || !logId || row?.kind !== 'grant')
    return refuse('waiting', 'The master has not granted this machine the key of its secrets yet.')
  const epoch = currentEpoch(state)
  const epochKey = openGrant(key, { logId, epoch, follower: fromHash(id) }, row.sealed)
  if (isRefusal(epochKey)) return epochKey
  const read = await readHere(wraps, blobs)
  if (isRefusal(read)) return read
  const live = openWraps(read, { logId, epoch, key: epochKey })
  return isRefusal(live) ? live : new Map(live.map((one) => [hex(one.content), one]))
}

async function openOne(
  state: State,
  blobs: Blobs,
  live: LiveKey | undefined,
  content: Uint8Array,
): Promise<Buffer | Refusal> {
  const logId = state.keys?.logId
  if (!live || !logId)
    return refuse('waiting', 'The master could not read this secret when it sealed the others anew.')
  const sealed = (await blobs.has(live.sealed)) ? await blobs.readWhole(live.sealed) : null
  return sealed ? openSecret(live.key, { logId, content }, sealed) : lost(live.sealed)
}

async function readHere(wraps: Hash, blobs: Blobs): Promise<Wraps | Refusal> {
  const bytes = (await blobs.has(wraps)) ? await blobs.readWhole(wraps) : null
  return bytes ? readWraps(bytes) : lost(wraps)
}

function liveIn(state: State, wraps: Wraps): Hash[] {
  const live = new Set([...state.maps.secrets.rows().values()].map((row) => hex(row.content)))
  return wraps.rows.filter(([content]) => live.has(hex(content))).map(([, sealed]) => toHash(sealed))
}

const lost = (hash: Hash): Refusal =>
  refuse('blob-damaged', 'The stored copy of a sealed content is missing or damaged.', { hash })
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
