/**
 * The master's side of secrets: seals what changed, keeps the wraps whole, begins epochs and grants them.
 * Always holds:
 * 1. Ciphertexts and wraps are in the blob store, and what this machine must remember of them is durable, before the
 *    events that name them are returned.
 * 2. The wraps that are put name every live secret that can be opened and nothing else; what they no longer name is
 *    swept.
 * 3. Plain text is only ever in memory here.
 */
import type { Event } from '../../schemas/event/index.ts'
import { contentIdBytes } from '../../schemas/event/secret.ts'
import { assert, isRefusal, type Refusal, refuse, toFault } from '../../schemas/fault.ts'
import { secretsMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { FollowerRow } from '../../schemas/section.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { PlainSecret } from '../canon/scan.ts'
import { fingerprint } from '../crypto/ed25519.ts'
import { fromHash } from '../crypto/hash.ts'
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
/** What brings the log to the secrets that were found. */
export type SealedChange = {
  /** To come before everything else: a path that is freed may be taken by a plain file. */
  readonly removals: readonly Event[]
  /** One batch, never cut: in between a reader would find secrets whose keys nobody names. */
  readonly batch: readonly Event[]
  readonly refused: readonly RefusedSecret[]
}

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
  ): Promise<SealedChange> {
    const keys = await this.#liveKeys(state)
    const logId = this.#logId(state)
    const removals: Event[] = []
    const puts: Event[] = []
    const refused: RefusedSecret[] = []
    const live = new Map<string, LiveKey>()
    const notes: Record<string, VaultLedger['live'][string]> = {}
    const names = new Set<string>(found.map((one) => one.path))
    for (const [path, row] of state.maps.secrets.rows()) {
      const key = keys?.get(hex(row.content))
      const note = this.#ledger.live[path]
      if (!names.has(path) && !kept.has(path))
        removals.push({ type: 'secret.removed', body: { path: path as HomePath } })
      else {
        if (key) live.set(path, key)
        if (note) notes[path] = note
      }
    }
    for (const { path, exec: seen, plain } of found) {
      const row = state.maps.secrets.get(path)
      const exec = seen ?? row?.exec ?? false
      const digest = secretDigest(this.#ledger, path, plain)
      const note = notes[path]
      const same = row && note?.digest === digest && note.content === hex(row.content) && live.has(path)
      if (same && row.exec === exec) continue
      if (same) {
        puts.push({ type: 'secret.put', body: { path, exec, content: row.content } })
        continue
      }
      const content = this.#place.ids.bytes(contentIdBytes)
      const sealed =
        !live.has(path) && live.size >= secretsMax ? tooMany() : this.#seal(logId, content, plain)
      if (isRefusal(sealed)) {
        refused.push({ path, refusal: sealed })
        continue
      }
      const stored = await this.#place.blobs.put([sealed.sealed])
      live.set(path, { content, sealed: stored.hash, sealedBytes: stored.size, key: sealed.key })
      puts.push({ type: 'secret.put', body: { path, exec, content } })
      notes[path] = { digest, content: hex(content) }
    }
    // A home without secrets needs no epoch.
    const epochs = keys || (live.size === 0 && currentEpoch(state) === 0) ? [] : this.#begin(state)
    const changes = removals.length + puts.length + epochs.length
    // After a batch that was cut off behind its removals, the wraps name what is gone.
    if (changes === 0 && (keys === null || keys.size === live.size)) return { removals, batch: [], refused }
    const batch = [...epochs, ...puts]
    if (keys || epochs.length > 0) batch.push(await this.#wrap(state, epochs, [...live.values()]))
    await this.#save({ ...this.#ledger, live: notes })
    return { removals, batch, refused }
  }

  /** Call once what `publish` or `renew` returned is in the log: keys of epochs that are over go. */
  async settle(state: State): Promise<void> {
    const current = String(currentEpoch(state))
    const { [current]: key, ...over } = this.#ledger.epochs
    if (Object.keys(over).length === 0) return
    await this.#save({ ...this.#ledger, epochs: key === undefined ? {} : { [current]: key } })
  }

  /** A new follower may open what is live now. No grant when no epoch has begun. */
  grant(state: State, node: Uint8Array, seal: Uint8Array): Event[] {
    const epoch = this.#epoch(state)
    return epoch ? [this.#grantTo(epoch, node, seal)] : []
  }

  /** After a revocation: a new epoch, for everybody but `revoked`, and the live keys wrapped anew. One batch. */
  async renew(state: State, revoked: Hash): Promise<Event[]> {
    if (currentEpoch(state) === 0) return []
    const keys = await this.#liveKeys(state)
    const epochs = this.#begin(state, revoked)
    const wraps = await this.#wrap(state, epochs, keys ? [...keys.values()] : [])
    await this.#save(this.#ledger)
    return [...epochs, wraps]
  }

  #seal(logId: Uint8Array, content: Uint8Array, plain: Uint8Array) {
    return sealSecret(this.#place.ids, { logId, content }, plain)
  }

  #save(ledger: VaultLedger): Promise<void> {
    const { disk, ids, stemmaHome } = this.#place
    this.#ledger = ledger
    return saveVaultLedger(disk, ids, stemmaHome, ledger)
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

  /** The caller saves the ledger before anything of this is in the log. */
  #begin(state: State, except?: Hash): Event[] {
    const epoch = currentEpoch(state) + 1
    const key = this.#place.ids.bytes(epochKeyBytes)
    this.#ledger = {
      ...this.#ledger,
      epochs: { ...this.#ledger.epochs, [String(epoch)]: key.toString('hex') },
    }
    const begun = { logId: this.#logId(state), epoch, key }
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

const tooMany = (): Refusal => refuse('too-many', `A home has at most ${secretsMax} secret files.`)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
