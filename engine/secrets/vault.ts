/**
 * The master's side of secrets: seals what changed, keeps the wraps whole, begins epochs and grants them.
 * Always holds:
 * 1. Ciphertexts and wraps are in the blob store before the events that name them are returned.
 * 2. The wraps that are put name every live secret and nothing else; what they no longer name is swept.
 * 3. An epoch key is durable here before the epoch begins in the log.
 * 4. Plain text is only ever in memory here.
 */
import type { Event } from '../../schemas/event/index.ts'
import { contentIdBytes } from '../../schemas/event/secret.ts'
import { assert, isRefusal, type Refusal, toFault } from '../../schemas/fault.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { FollowerRow } from '../../schemas/section.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { PlainSecret } from '../canon/scan.ts'
import { fingerprint } from '../crypto/ed25519.ts'
import { fromHash, toHash } from '../crypto/hash.ts'
import type { Disk } from '../disk/disk.ts'
import type { Ids } from '../env/ids.ts'
import { currentEpoch, currentWraps } from '../fold/reducers/epoch.ts'
import type { State } from '../fold/state.ts'
import { epochKeyBytes, makeGrant } from './grant.ts'
import { loadVaultLedger, saveVaultLedger, secretDigest, type VaultLedger } from './ledger.ts'
import { sealSecret } from './seal.ts'
import { type Epoch, type LiveKey, openWraps, readWraps, writeWraps } from './wraps.ts'

export type VaultPlace = {
  readonly disk: Disk
  readonly ids: Ids
  readonly stemmaHome: string
  readonly blobs: Blobs
}

export type RefusedSecret = { readonly path: string; readonly refusal: Refusal }

export class Vault {
  readonly #place: VaultPlace
  #ledger: VaultLedger

  private constructor(place: VaultPlace, ledger: VaultLedger) {
    this.#place = place
    this.#ledger = ledger
  }

  static async open(place: VaultPlace): Promise<Vault> {
    return new Vault(place, await loadVaultLedger(place.disk, place.ids, place.stemmaHome))
  }

  /**
   * The events that bring the log from `state` to these secrets. `kept` are paths that could not be read: they stay
   * as they are. A refusal for one path leaves the others.
   */
  async publish(
    state: State,
    found: readonly PlainSecret[],
    kept: ReadonlySet<string>,
  ): Promise<{
    readonly events: readonly Event[]
    readonly refused: readonly { path: string; refusal: Refusal }[]
  }> {
    const keys = await this.#liveKeys(state)
    const logId = this.#logId(state)
    const events: Event[] = []
    const refused: { path: string; refusal: Refusal }[] = []
    const live = new Map<string, LiveKey>()
    const notes = { ...this.#ledger.live }
    const names = new Set<string>(found.map((one) => one.path))
    for (const [path, row] of state.maps.secrets.rows()) {
      const key = keys?.get(hex(row.content))
      if (!names.has(path) && !kept.has(path)) {
        events.push({ type: 'secret.removed', body: { path: path as HomePath } })
        delete notes[path]
      } else if (key) live.set(path, key)
    }
    for (const { path, exec, plain } of found) {
      const row = state.maps.secrets.get(path)
      const digest = secretDigest(this.#ledger, path, plain)
      const note = this.#ledger.live[path]
      const same = row && note?.digest === digest && note.content === hex(row.content) && live.has(path)
      if (same && row.exec === exec) continue
      if (same) {
        events.push({ type: 'secret.put', body: { path, exec, content: row.content } })
        continue
      }
      const content = this.#place.ids.bytes(contentIdBytes)
      const sealed = sealSecret(this.#place.ids, { logId, content }, plain)
      if (isRefusal(sealed)) {
        refused.push({ path, refusal: sealed })
        continue
      }
      const stored = await this.#place.blobs.put([sealed.sealed])
      live.set(path, { content, sealed: stored.hash, sealedBytes: stored.size, key: sealed.key })
      events.push({ type: 'secret.put', body: { path, exec, content } })
      notes[path] = { digest, content: hex(content) }
    }
    const epochs = keys ? [] : await this.#begin(state, state)
    const before = currentWraps(state)
    const needsWraps = events.length > 0 || epochs.length > 0 || (before === null && live.size > 0)
    this.#ledger = { ...this.#ledger, live: notes }
    return {
      events: needsWraps ? [...epochs, ...events, await this.#wrap(state, epochs, [...live.values()])] : [],
      refused,
    }
  }

  /** Call once the events of `publish`, or of an epoch, are in the log. */
  settle(state: State): Promise<void> {
    const current = String(currentEpoch(state))
    const key = this.#ledger.epochs[current]
    this.#ledger = { ...this.#ledger, epochs: key === undefined ? {} : { [current]: key } }
    return saveVaultLedger(this.#place.disk, this.#place.ids, this.#place.stemmaHome, this.#ledger)
  }

  /** A new follower may open what is live now. No grant when no epoch has begun. */
  grant(state: State, node: Uint8Array, seal: Uint8Array): Event[] {
    const epoch = this.#epoch(state)
    return epoch ? [this.#grantTo(epoch, node, seal)] : []
  }

  /** After a revocation: a new epoch, for everybody but `revoked`, and the live keys wrapped anew. */
  async renew(state: State, revoked: Hash): Promise<Event[]> {
    if (currentEpoch(state) === 0) return []
    const keys = await this.#liveKeys(state)
    const epochs = await this.#begin(state, state, revoked)
    return [...epochs, await this.#wrap(state, epochs, keys ? [...keys.values()] : [])]
  }

  /** Blobs that the live secrets need: the wraps and every ciphertext. */
  async needed(state: State): Promise<Hash[]> {
    const wraps = currentWraps(state)
    if (wraps === null) return []
    const read = await this.#read(wraps)
    return read ? [wraps, ...read.rows.map(([, sealed]) => toHash(sealed))] : [wraps]
  }

  /** Data keys of the live secrets by content id; null when this machine cannot open them. */
  async #liveKeys(state: State): Promise<Map<string, LiveKey> | null> {
    const epoch = this.#epoch(state)
    if (!epoch) return null
    const wraps = currentWraps(state)
    if (wraps === null) return new Map()
    const read = await this.#read(wraps)
    const live = read && openWraps(read, epoch)
    return live && !isRefusal(live) ? new Map(live.map((one) => [hex(one.content), one])) : null
  }

  async #read(wraps: Hash) {
    const { blobs } = this.#place
    const bytes = (await blobs.has(wraps)) ? await blobs.readWhole(wraps) : null
    const read = bytes && readWraps(bytes)
    return read && !isRefusal(read) ? read : null
  }

  async #begin(state: State, log: State, except?: Hash): Promise<Event[]> {
    const epoch = currentEpoch(state) + 1
    const key = this.#place.ids.bytes(epochKeyBytes)
    this.#ledger = {
      ...this.#ledger,
      epochs: { ...this.#ledger.epochs, [String(epoch)]: key.toString('hex') },
    }
    await saveVaultLedger(this.#place.disk, this.#place.ids, this.#place.stemmaHome, this.#ledger)
    const begun = { logId: this.#logId(log), epoch, key }
    const members = [...state.maps.followers.rows()].filter(
      (one): one is [string, FollowerRow] =>
        one[1].kind === 'follower' && one[1].revokedMs === 0 && one[0] !== except,
    )
    return [
      { type: 'epoch.started', body: { epoch } },
      ...members.map(([, row]) => this.#grantTo(begun, row.node, row.seal)),
    ]
  }

  async #wrap(state: State, epochs: readonly Event[], live: readonly LiveKey[]): Promise<Event> {
    const epoch = currentEpoch(state) + (epochs.length > 0 ? 1 : 0)
    const key = this.#ledger.epochs[String(epoch)]
    assert(key !== undefined, 'wraps are written under an epoch whose key is here')
    const bytes = writeWraps(
      this.#place.ids,
      { logId: this.#logId(state), epoch, key: Buffer.from(key, 'hex') },
      live,
    )
    const { hash } = await this.#place.blobs.put([bytes])
    return { type: 'wraps.put', body: { epoch, blob: fromHash(hash) } }
  }

  #grantTo(epoch: Epoch, node: Uint8Array, seal: Uint8Array): Event {
    const follower = fromHash(fingerprint(node))
    const sealed = makeGrant(this.#place.ids, { ...epoch, follower }, seal, epoch.key)
    return { type: 'epoch.granted', body: { epoch: epoch.epoch, follower, sealed } }
  }

  /** The current epoch with its key; null before the first, or when the key is not here. */
  #epoch(state: State): Epoch | null {
    const epoch = currentEpoch(state)
    const key = this.#ledger.epochs[String(epoch)]
    return epoch === 0 || key === undefined
      ? null
      : { logId: this.#logId(state), epoch, key: Buffer.from(key, 'hex') }
  }

  #logId(state: State): Buffer {
    if (!state.keys) throw toFault({ refused: 'protocol', why: 'The log has no charter.' })
    return state.keys.logId
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
