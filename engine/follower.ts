/**
 * The follower's copy of a log: verified before it is stored, stored before it is applied (S26).
 * Always holds:
 * 1. Nothing is stored of a log that the pinned key did not vouch for on this very channel (S18).
 * 2. The newest stored head is a floor: an older one, or another entry with its number, is refused with evidence
 *    kept, whatever key signed it (S19, Q2).
 * 3. The blobs that the newest stored head needs are durable before it is, unless a long tail was cut off in mid-way:
 *    then `missing` names them and nothing is applied until they are here.
 */
import { isRefusal, type Refusal, refuse } from '../schemas/fault.ts'
import { type KeyRow, rowLayouts } from '../schemas/section.ts'
import type { FollowerId, Hash } from '../schemas/shape.ts'
import { channelBytes } from '../schemas/signable.ts'
import { wireVersion } from '../schemas/wire/index.ts'
import { Blobs } from './blobs/blobs.ts'
import { fingerprint, verify } from './crypto/ed25519.ts'
import { toHash } from './crypto/hash.ts'
import type { Disk } from './disk/disk.ts'
import { makeDirs, removeTree } from './disk/tree.ts'
import type { Clock } from './env/clock.ts'
import type { Ids } from './env/ids.ts'
import { type Finding, keepEvidence } from './evidence.ts'
import { type KeyHistory, readKeys } from './fold/keys.ts'
import { keyName } from './fold/reducers/key.ts'
import type { State } from './fold/state.ts'
import { createFollowerKeys, type FollowerKeys, followerId } from './keys/keys.ts'
import { readBase } from './log/base.ts'
import { type Head, readHead, signatureFault } from './log/head.ts'
import { Log } from './log/log.ts'
import { kindOf } from './log/record.ts'
import { missingSecrets, neededBySecrets } from './secrets/reader.ts'

export type FollowerPlace = {
  readonly disk: Disk
  readonly clock: Clock
  readonly ids: Ids
  readonly stemmaHome: string
}
/** What a master says of itself, before it is believed. */
export type Greeting = {
  readonly version: number
  readonly keys: readonly KeyRow[]
  readonly head: Uint8Array
  readonly proof: Uint8Array
}
/** The channel that it said it on. */
export type Channel = { readonly peerKey: Uint8Array; readonly exporter: Uint8Array }
/** Brings blobs that are not here yet. Throws when it cannot. */
export type Fetch = (hashes: readonly Hash[]) => Promise<void>

export class Follower {
  readonly #place: FollowerPlace
  readonly keys: FollowerKeys
  readonly blobs: Blobs
  #log: Log | null

  private constructor(place: FollowerPlace, keys: FollowerKeys, blobs: Blobs, log: Log | null) {
    this.#place = place
    this.keys = keys
    this.blobs = blobs
    this.#log = log
  }

  /** Opens the copy, making folder and keys the first time. */
  static async open(place: FollowerPlace): Promise<Follower> {
    const { disk, ids, stemmaHome } = place
    await makeDirs(disk, stemmaHome, 0o700)
    const keys = await createFollowerKeys(disk, ids, stemmaHome)
    const blobs = new Blobs(disk, ids, `${stemmaHome}/blobs`)
    await blobs.open()
    const log = (await Log.exists(logPlace(place))) ? await Log.open(logPlace(place)) : null
    return new Follower(place, keys, blobs, log)
  }

  get id(): FollowerId {
    return followerId(this.keys.node.public)
  }
  /** The newest stored head; null before the first join. */
  get head(): Head | null {
    return this.#log?.head ?? null
  }
  get state(): State | null {
    return this.#log?.state ?? null
  }
  get log(): Log | null {
    return this.#log
  }

  /** Is this the pinned master, speaking for the log that is stored here, no older than what is stored here? */
  async judge(
    greeting: Greeting,
    channel: Channel,
    pin: Hash,
  ): Promise<{ keys: KeyHistory; head: Head } | Refusal> {
    if (greeting.version !== wireVersion)
      return refuse(
        'upgrade-needed',
        `The master speaks version ${greeting.version} of the link, this machine ${wireVersion}.`,
      )
    const node = fingerprint(channel.peerKey)
    if (node !== pin)
      return refuse('pin-mismatch', `The master shows the key ${node}, but ${pin} is pinned.`, {
        expected: pin,
        got: node,
      })
    const keys = readKeys(greeting.keys)
    if (isRefusal(keys)) return keys
    if (keys.nodes.at(-1) !== node)
      return refuse('bad-signature', 'The log that the master shows was not begun by the pinned key.')
    const head = readHead(greeting.head)
    if (isRefusal(head)) return head
    const forged = signatureFault(head, keys)
    if (forged) return forged
    if (!verify(keys.logKey, channelBytes(greeting.head, channel.exporter), greeting.proof))
      return refuse('bad-signature', 'The master did not prove that it holds the key of its log.')
    return (await this.#floorFault(greeting.keys, keys, head)) ?? { keys, head }
  }

  /** A cold start, or a jump over history that the master no longer has: parts and head of a base. */
  async takeBase(
    parts: readonly Buffer[],
    head: Head,
    keys: KeyHistory,
    fetch: Fetch,
  ): Promise<Refusal | null> {
    const state = readBase(parts, head)
    if (isRefusal(state)) return state
    if (!state.keys?.logId.equals(keys.logId) || !state.keys.logKey.equals(keys.logKey))
      return refuse('other-log', 'The base that the master sent belongs to another log.')
    const own = this.#log
    if (own) {
      if (head.seq <= own.head.seq)
        return refuse('protocol', 'The master sent a base that is not newer than what is here.')
      const differs = own.state.checkpoints.some((mark, i) => !state.checkpoints[i]?.entry.equals(mark.entry))
      if (differs) return this.#broken('fork', keys, own.head, head)
    }
    await this.#bring(state, fetch)
    if (own) await own.moveTo({ parts, head })
    else this.#log = await Log.adopt(logPlace(this.#place), { parts, head })
    return null
  }

  /**
   * Entries that follow what is stored here, ending in a head. Their contents are fetched before they are stored;
   * without `fetch` (more entries follow, which may supersede them) `complete` does it later.
   */
  async takeRun(
    payloads: readonly Uint8Array[],
    keys: KeyHistory,
    fetch: Fetch | null,
  ): Promise<Refusal | null> {
    const log = this.#log
    if (!log) return refuse('protocol', 'The master sent entries where a base was asked for.')
    const head = await log.ingest(payloads, async (state) => {
      if (fetch) await this.#bring(state, fetch)
    })
    if (!isRefusal(head)) return null
    return head.refused === 'fork' ? this.#forked(payloads, keys, log.head, head) : head
  }

  /** What the newest stored state needs and is not here (after a blob was found damaged, or a sweep was cut off). */
  async missing(state: State): Promise<Hash[]> {
    const out = new Set<Hash>()
    for (const row of state.maps.files.rows().values()) {
      const hash = toHash(row.blob)
      if (!out.has(hash) && !(await this.blobs.has(hash))) out.add(hash)
    }
    for (const hash of await missingSecrets(state, this.blobs)) out.add(hash)
    return [...out]
  }

  /** Fetches what is missing of the stored state. */
  async complete(fetch: Fetch): Promise<void> {
    if (this.#log) await this.#bring(this.#log.state, fetch)
  }

  /** Removes blobs that the stored state does not need. */
  async sweep(): Promise<number> {
    if (!this.#log) return 0
    const keep = new Set<Hash>()
    for (const row of this.#log.state.maps.files.rows().values()) keep.add(toHash(row.blob))
    for (const hash of await neededBySecrets(this.#log.state, this.blobs)) keep.add(hash)
    return this.blobs.sweep(keep)
  }

  /** Forgets the log, its contents and the floor it set. Keys stay: the machine keeps its identity. */
  async forget(): Promise<void> {
    await this.#log?.close()
    this.#log = null
    await removeTree(this.#place.disk, logPlace(this.#place).dir)
    await removeTree(this.#place.disk, `${this.#place.stemmaHome}/blobs`)
    await this.blobs.open()
  }

  async close(): Promise<void> {
    await this.#log?.close()
  }

  async #bring(state: State, fetch: Fetch): Promise<void> {
    // Where the ciphertexts are stands in the wraps, so their turn is the second one.
    for (let turn = 0; turn < 2; turn++) {
      const hashes = await this.missing(state)
      if (hashes.length === 0) break
      await fetch(hashes)
    }
    await this.blobs.settle()
  }

  async #floorFault(rows: readonly KeyRow[], keys: KeyHistory, head: Head): Promise<Refusal | null> {
    const own = this.#log
    if (!own) return null
    const known = own.state.keys
    if (!known?.logId.equals(keys.logId))
      return refuse('other-log', 'The master shows another log than the one that this machine follows.', {
        expected: known?.logId.toString('hex') ?? '',
        got: keys.logId.toString('hex'),
      })
    for (let i = 0; i <= known.rotations; i++) {
      const mine = own.state.maps.keys.get(keyName(i))
      const theirs = rows[i]
      if (mine && theirs && rowLayouts.keys(mine).equals(rowLayouts.keys(theirs))) continue
      return head.seq < own.head.seq
        ? this.#broken('rollback', keys, own.head, head)
        : refuse('bad-signature', 'The key history of the master contradicts the one that is stored here.')
    }
    if (head.seq < own.head.seq) return this.#broken('rollback', keys, own.head, head)
    if (head.seq === own.head.seq && !head.entry.equals(own.head.entry))
      return this.#broken('fork', keys, own.head, head)
    return null
  }

  /** The first signed head among entries that contradict ours is the other half of the proof. */
  async #forked(
    payloads: readonly Uint8Array[],
    keys: KeyHistory,
    ours: Head,
    refusal: Refusal,
  ): Promise<Refusal> {
    const at = payloads.findIndex((payload) => kindOf(payload) === 'head')
    const records = payloads.slice(0, at + 1)
    const last = records.at(-1)
    const theirs = last ? readHead(last) : refusal
    if (isRefusal(theirs) || signatureFault(theirs, keys)) return refusal
    return this.#broken('fork', keys, ours, theirs, records)
  }

  /** Keeps both heads, then refuses. Nothing of the other history was stored. */
  async #broken(
    finding: Finding,
    keys: KeyHistory,
    ours: Head,
    theirs: Head,
    records: readonly Uint8Array[] = [],
  ): Promise<Refusal> {
    const evidence = await keepEvidence(
      this.#place,
      this.#place.stemmaHome,
      finding,
      keys,
      ours,
      theirs,
      records,
    )
    const facts = { ours: ours.seq, theirs: theirs.seq, evidence: evidence ?? '' }
    return finding === 'rollback'
      ? refuse(
          'rollback',
          `The master shows entry ${theirs.seq} as its newest, but this machine already holds entry ${ours.seq} with its signature.`,
          facts,
        )
      : refuse(
          'fork',
          `The master's history contradicts entry ${ours.seq}, which this machine holds with its signature.`,
          facts,
        )
  }
}

const logPlace = (place: FollowerPlace) => ({
  disk: place.disk,
  ids: place.ids,
  dir: `${place.stemmaHome}/log`,
})
