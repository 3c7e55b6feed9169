/**
 * The follower's copy of a log: verified before it is stored, stored before it is applied (S26).
 * Always holds:
 * 1. Nothing is stored of a log that the pinned key did not vouch for on this very channel (S18).
 * 2. The newest stored head is a floor: an older one, or another entry with its number, is refused with evidence
 *    kept, whatever key signed it (S19, Q2).
 * 3. The blobs that the newest stored head needs are durable before it is, unless a long tail was cut off in mid-way:
 *    then `missing` names them and nothing is applied until they are here.
 * 4. After a fork was found nothing more is taken until a person has settled it (T6).
 */
import { size } from '../schemas/amount.ts'
import { Fault, isRefusal, type Refusal, refuse } from '../schemas/fault.ts'
import { type KeyRow, rowLayouts } from '../schemas/section.ts'
import type { FollowerId, Hash } from '../schemas/shape.ts'
import { channelBytes } from '../schemas/signable.ts'
import { wireVersion } from '../schemas/wire/index.ts'
import { setAside } from './aside.ts'
import { Blobs } from './blobs/blobs.ts'
import { fingerprint, verify } from './crypto/ed25519.ts'
import type { Disk } from './disk/disk.ts'
import { sweepTemps } from './disk/save.ts'
import { makeDirs, removeTree } from './disk/tree.ts'
import type { Clock } from './env/clock.ts'
import type { Ids } from './env/ids.ts'
import { type Finding, keepEvidence, openEvidence } from './evidence.ts'
import { continues, type KeyHistory, readKeys } from './fold/keys.ts'
import { keyName } from './fold/reducers/key.ts'
import type { State } from './fold/state.ts'
import { createFollowerKeys, type FollowerKeys, followerId, loadFollowerKeys } from './keys/keys.ts'
import { readBase } from './log/base.ts'
import { splitRun } from './log/batch.ts'
import { type Head, readHead, signatureFault } from './log/head.ts'
import { contradicts, firstLine } from './log/line.ts'
import { Log } from './log/log.ts'
import { missingSecrets, neededBySecrets, sealedSizes } from './secrets/reader.ts'

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
/** Brings blobs that are not here yet, of just these lengths. Throws when it cannot. */
export type Fetch = (hashes: readonly Hash[], sizes: ReadonlyMap<Hash, number>) => Promise<void>

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
    const joined = await Log.exists(logPlace(place))
    // A folder that somebody named by mistake is not tidied.
    const isOurs = joined || (await disk.stat(`${stemmaHome}/keys`)) !== null
    // A key that got lost is a fault: a new one would be another machine to the master.
    const keys = joined
      ? await loadFollowerKeys(disk, stemmaHome)
      : await createFollowerKeys(disk, ids, stemmaHome)
    if (isOurs) await sweepTemps(disk, stemmaHome)
    const blobs = new Blobs(disk, ids, `${stemmaHome}/blobs`)
    await blobs.open()
    return new Follower(place, keys, blobs, joined ? await asCopy(Log.open(logPlace(place))) : null)
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
    const kept = await openEvidence(this.#place.disk, this.#place.stemmaHome, 'fork')
    if (kept)
      return refuse(
        'fork',
        `The master's history was found forked; until a person has judged, nothing more is taken from it. The evidence is in ${kept}.`,
        { evidence: kept },
      )
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
    if (!state.keys?.logId.equals(keys.logId))
      return refuse('other-log', 'The base that the master sent belongs to another log.')
    if (!continues(keys, state.keys))
      return refuse('bad-signature', 'The key history in the base is not the one that the master showed.')
    const own = this.#log
    if (own) {
      if (head.seq <= own.head.seq)
        return refuse('protocol', 'The master sent a base that is not newer than what is here.')
      const differs = own.state.checkpoints.some((mark, i) => !state.checkpoints[i]?.entry.equals(mark.entry))
      if (differs) return this.#broken('fork', keys, own.head, head)
      if (head.timeMs < own.head.timeMs)
        return refuse('refused', 'The master sent a base that is older than what is here.')
      if (!beginsWith(state.maps.keys.rows(), own.state.maps.keys.rows())) return otherKeys
    }
    await this.#bring(state, fetch)
    if (own) await asCopy(own.moveTo({ parts, head }))
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
    const runs = splitRun(payloads)
    for (const [i, run] of runs.entries()) {
      const last = i === runs.length - 1
      const bring = async (state: State) => {
        if (fetch && last) await this.#bring(state, fetch)
      }
      const head = await asCopy(log.ingest(run, bring))
      if (!isRefusal(head)) continue
      const line = firstLine(run, keys)
      if (line && contradicts(line, log.head))
        return this.#broken('fork', keys, log.head, line.head, line.records)
      // Entries that lead to no signed head prove nothing.
      return head.refused === 'fork' ? refuse('protocol', head.why) : head
    }
    return null
  }

  /** What the newest stored state needs and is not here (after a blob was found damaged, or a sweep was cut off). */
  async missing(state: State): Promise<Hash[]> {
    const files = await this.blobs.lacking([...state.files().values()].map(({ blob }) => blob))
    return [...new Set([...files, ...(await missingSecrets(state, this.blobs))])]
  }

  /** Fetches what is missing of the stored state. */
  async complete(fetch: Fetch): Promise<void> {
    if (this.#log) await this.#bring(this.#log.state, fetch)
  }

  /** Removes blobs that the stored state does not need. */
  async sweep(): Promise<number> {
    if (!this.#log) return 0
    const keep = new Set<Hash>()
    for (const { blob } of this.#log.state.files().values()) keep.add(blob)
    for (const hash of await neededBySecrets(this.#log.state, this.blobs)) keep.add(hash)
    return this.blobs.sweep(keep)
  }

  /**
   * Forgets the log, its contents and the floor it set. Keys stay: the machine keeps its identity.
   * @returns the name under which a log is kept that is damaged; else nothing.
   */
  async forget(): Promise<readonly string[]> {
    const damage = this.#log?.damage ?? null
    await this.#log?.close()
    this.#log = null
    const kept = damage === null ? [] : [await setAside(this.#place, 'log')]
    await removeTree(this.#place.disk, logPlace(this.#place).dir)
    await removeTree(this.#place.disk, `${this.#place.stemmaHome}/blobs`)
    await this.blobs.open()
    return kept
  }

  async close(): Promise<void> {
    await this.#log?.close()
  }

  async #bring(state: State, fetch: Fetch): Promise<void> {
    // Where the ciphertexts are stands in the wraps, so their turn is the second one.
    for (let turn = 0; turn < 2; turn++) {
      const hashes = await this.missing(state)
      if (hashes.length === 0) break
      const sizes = new Map([...sizesOf(state), ...(await sealedSizes(state, this.blobs))])
      await this.#mustHold(hashes.reduce((sum, hash) => sum + (sizes.get(hash) ?? 0), 0))
      await fetch(hashes, sizes)
    }
    await this.blobs.settle()
  }

  /** Before a byte is fetched: whatever a log names, it fills no disk to the brim only to fail there. */
  async #mustHold(needBytes: number): Promise<void> {
    const { disk, stemmaHome } = this.#place
    const freeBytes = await disk.freeBytes(stemmaHome)
    if (freeBytes < needBytes)
      throw new Fault(
        'disk-full',
        `The file contents to fetch need ${size(needBytes)} on the disk of ${stemmaHome}, which has ${size(freeBytes)} left.`,
        {
          needBytes,
          freeBytes,
        },
      )
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
    if (head.seq < own.head.seq) return this.#broken('rollback', keys, own.head, head)
    const shown = new Map(rows.map((row, index) => [keyName(index), row]))
    if (!beginsWith(shown, own.state.maps.keys.rows())) return otherKeys
    if (head.seq === own.head.seq && !head.entry.equals(own.head.entry))
      return this.#broken('fork', keys, own.head, head)
    return null
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
    const facts = { ours: ours.seq, theirs: theirs.seq, evidence }
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

/** A log that is only a copy has another cure than the master's own. */
async function asCopy<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'log-damaged') throw error
    throw new Fault('copy-damaged', error.message, error.facts, error)
  }
}

type KeyRows = ReadonlyMap<string, KeyRow>
/** Whether a history of keys is another one with any number of changes behind it. */
const beginsWith = (longer: KeyRows, rows: KeyRows): boolean =>
  [...rows].every(([key, row]) => {
    const other = longer.get(key)
    return other !== undefined && rowLayouts.keys(other).equals(rowLayouts.keys(row))
  })
const otherKeys = refuse(
  'bad-signature',
  'The key history of the master contradicts the one that is stored here.',
)

/** How long each content is, as the log says. */
function sizesOf(state: State): ReadonlyMap<Hash, number> {
  const out = new Map<Hash, number>()
  for (const { blob, size: bytes } of state.files().values()) out.set(blob, bytes)
  return out
}

const logPlace = (place: FollowerPlace) => ({
  disk: place.disk,
  ids: place.ids,
  dir: `${place.stemmaHome}/log`,
})
