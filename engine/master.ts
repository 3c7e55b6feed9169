/**
 * The master: the one writer of a log. Turns what a scan found and what its owner decided into entries, and
 * judges who may read them.
 * Always holds:
 * 1. Every blob that an entry names is durable before the entry is (S26's order, at the source).
 * 2. A follower only asks: nothing it sends becomes an entry except its own enrolment and, after a restore from a
 *    backup, entries that this master signed itself (S2, S59).
 * 3. A revoked key never enrols again (Q4).
 * 4. After a fork was found nothing is appended until a person has settled it.
 * 5. What reads the state, prepares and then appends is done one after the other: an epoch cannot begin, nor a
 *    machine enrol, between the sealing of secrets and the entries that name them.
 */
import type { Event } from '../schemas/event/index.ts'
import { foldVersion } from '../schemas/event/index.ts'
import { Fault, isRefusal, type Refusal, refuse } from '../schemas/fault.ts'
import { checkpointEveryEntries, recentHeadsMax } from '../schemas/limits.ts'
import type { HomePath } from '../schemas/path.ts'
import type { FollowerRow } from '../schemas/section.ts'
import type { FollowerId, Hash, Platform } from '../schemas/shape.ts'
import { channelBytes, charterBytes, logIdBytes } from '../schemas/signable.ts'
import { Blobs } from './blobs/blobs.ts'
import { diff } from './canon/diff.ts'
import type { Scan } from './canon/scan.ts'
import type { Selection } from './canon/selection.ts'
import { defaultSelection, selectionEvent } from './canon/selection.ts'
import { publishables } from './compose/publish.ts'
import { fingerprint, sign } from './crypto/ed25519.ts'
import { fromHash, toHash } from './crypto/hash.ts'
import type { Disk } from './disk/disk.ts'
import { makeDirs } from './disk/tree.ts'
import { Bell } from './env/bell.ts'
import type { Clock } from './env/clock.ts'
import type { Ids } from './env/ids.ts'
import { keepEvidence, openEvidence } from './evidence.ts'
import { decodeEntry } from './fold/entry.ts'
import type { CanonFiles } from './fold/file.ts'
import { logKeyAt } from './fold/keys.ts'
import { enrolmentKey } from './fold/reducers/follower.ts'
import { selectionKey } from './fold/reducers/selection.ts'
import type { State } from './fold/state.ts'
import { createMasterKeys, loadMasterKeys, type MasterKeys } from './keys/keys.ts'
import { createRecoveryKey } from './keys/recovery.ts'
import { lacking } from './lack.ts'
import { inBatches } from './log/cut.ts'
import { type Head, readHead, signatureFault, signHead } from './log/head.ts'
import { Log } from './log/log.ts'
import { neededBySecrets } from './secrets/reader.ts'
import { type RefusedSecret, Vault } from './secrets/vault.ts'

export type World = { readonly disk: Disk; readonly clock: Clock; readonly ids: Ids }
export type MasterPlace = World & { readonly stemmaHome: string }

/** Who asks to read the log: what its certificate proved and what its hello said. */
export type Applicant = {
  readonly node: Buffer
  readonly seal: Buffer
  readonly name: string
  readonly platform: Platform
}
export type Standing = 'enrolled' | 'revoked' | 'unknown'
export type FollowerFacts = FollowerRow & { readonly id: FollowerId }

/** How a follower's newest head relates to this log. */
export type Relation = 'new' | 'behind' | 'level' | 'ahead'

export class Master {
  readonly #place: MasterPlace
  readonly #keys: MasterKeys
  readonly #log: Log
  readonly #vault: Vault
  readonly blobs: Blobs
  /** Rings after every change of the log. */
  readonly moved = new Bell()
  readonly #recent = new Map<number, Hash>()
  #idle: Head | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #forked: string | null

  private constructor(
    place: MasterPlace,
    keys: MasterKeys,
    log: Log,
    blobs: Blobs,
    vault: Vault,
    forked: string | null,
  ) {
    this.#place = place
    this.#keys = keys
    this.#log = log
    this.blobs = blobs
    this.#vault = vault
    this.#forked = forked
  }

  /** Begins a log in an empty folder. The recovery key is returned once and kept nowhere. */
  static async init(place: MasterPlace): Promise<{ master: Master; recovery: string }> {
    const { disk, ids, clock, stemmaHome } = place
    await makeDirs(disk, stemmaHome, 0o700)
    if (await Log.exists(logPlace(place)))
      throw new Fault('already-initialised', `${stemmaHome} already holds a log.`)
    const keys = await createMasterKeys(disk, ids, stemmaHome)
    const recovery = createRecoveryKey(ids)
    const fields = {
      logId: ids.bytes(logIdBytes),
      logKey: keys.log.public,
      nodeKey: keys.node.public,
      recoveryKey: recovery.key.public,
      foldVersion,
    }
    const signed = charterBytes(fields)
    const charter: Event = {
      type: 'log.chartered',
      body: { ...fields, byLog: sign(keys.log.private, signed), byNode: sign(keys.node.private, signed) },
    }
    const log = await Log.create(logPlace(place), [charter], clock.now(), keys.log.private)
    await log.close()
    return { master: await Master.open(place), recovery: recovery.text }
  }

  /** Faults: `log-damaged`, `keys-damaged` when the keys are not those of the log, disk codes. */
  static async open(place: MasterPlace): Promise<Master> {
    const { disk, ids, stemmaHome } = place
    const keys = await loadMasterKeys(disk, stemmaHome)
    const blobs = new Blobs(disk, ids, `${stemmaHome}/blobs`)
    await blobs.open()
    const log = await Log.open(logPlace(place))
    const history = log.state.keys
    if (!history?.logKey.equals(keys.log.public) || !history.nodeKey.equals(keys.node.public)) {
      await log.close()
      throw new Fault('keys-damaged', 'The keys in the keys folder are not those of the log.')
    }
    const vault = await Vault.open({ disk, ids, stemmaHome, blobs })
    return new Master(place, keys, log, blobs, vault, await openEvidence(disk, stemmaHome, 'fork'))
  }

  get state(): State {
    return this.#log.state
  }
  get keys(): MasterKeys {
    return this.#keys
  }
  get head(): Head {
    return this.#log.head
  }
  /** The newest head, re-signed lately when nothing happens. */
  get freshHead(): Head {
    return this.#idle?.seq === this.head.seq ? this.#idle : this.head
  }
  get fingerprint(): Hash {
    return fingerprint(this.#keys.node.public)
  }
  get log(): Pick<Log, 'records' | 'base' | 'oldest'> {
    return this.#log
  }
  get files(): CanonFiles {
    return this.state.files()
  }
  /** Paths of the canonical secrets. */
  get secrets(): ReadonlySet<HomePath> {
    // Only checked paths become rows.
    return new Set(this.state.maps.secrets.rows().keys()) as Set<HomePath>
  }
  get selection(): Selection {
    return this.state.maps.selection.get(selectionKey) ?? defaultSelection
  }
  get mustApprove(): boolean {
    const row = this.state.maps.followers.get(enrolmentKey)
    return row?.kind === 'enrolment' && row.approve
  }

  followers(): FollowerFacts[] {
    const out: FollowerFacts[] = []
    for (const [id, row] of this.state.maps.followers.rows())
      if (row.kind === 'follower') out.push({ ...row, id: id as FollowerId })
    return out.sort((a, b) => a.enrolledMs - b.enrolledMs)
  }

  /** Why nothing may be appended now, or nothing. */
  mustAppend(): void {
    if (this.#forked)
      throw new Fault('fork', `This log was found forked; the evidence is in ${this.#forked}.`, {
        evidence: this.#forked,
      })
  }

  /**
   * Appends facts in order, in as many batches as they need. Blobs that they name must have been put already.
   * @param whole facts behind them that belong into one batch.
   */
  async append(events: readonly Event[], whole: readonly Event[] = []): Promise<Head> {
    this.mustAppend()
    await this.blobs.settle()
    for (const batch of inBatches(events, whole)) {
      await this.#log.append(batch, this.#place.clock.now(), this.#keys.log.private)
      this.#remember()
    }
    if (this.#log.wantsCompaction) await this.#log.compact()
    this.moved.ring()
    return this.head
  }

  /**
   * Publishes what a scan found: changed files as they are, changed secrets sealed. Says which secrets could not be.
   */
  publish(
    found: Pick<Scan, 'files' | 'secrets' | 'kept'>,
  ): Promise<{ readonly entries: number; readonly refused: readonly RefusedSecret[] }> {
    return this.#alone(() => this.#publish(found))
  }

  async #publish(found: Pick<Scan, 'files' | 'secrets' | 'kept'>) {
    const { secrets, refused } = publishables(found.secrets, this.#place.disk.windows ? 'win32' : 'linux')
    const kept = new Set<string>([...found.kept, ...refused.map(({ path }) => path)])
    const sealed = await this.#vault.publish(this.state, secrets, kept)
    const events = [...sealed.removals, ...diff(this.files, found)]
    const entries = events.length + sealed.batch.length
    if (entries > 0) await this.append(events, sealed.batch)
    await this.#vault.settle(this.state)
    return { entries, refused: [...refused, ...sealed.refused] }
  }

  /** False when the log has exactly these rules already. */
  async setSelection(wanted: Selection): Promise<boolean> {
    const event = selectionEvent(this.selection, wanted)
    if (event) await this.append([event])
    return event !== null
  }

  /** Signs the newest head anew (DESIGN: an idle master does every 5 minutes), so that silence is not a freeze. */
  freshen(): void {
    const keys = this.state.keys
    if (!keys) return
    this.#idle = signHead(
      this.state,
      keys,
      Math.max(this.#place.clock.now(), this.head.timeMs),
      this.#keys.log.private,
    )
    this.moved.ring()
  }

  /** Binds the authority over the log to one channel. */
  prove(head: Head, exporter: Uint8Array): Buffer {
    return sign(this.#keys.log.private, channelBytes(head.bytes, exporter))
  }

  standing(node: Uint8Array): Standing {
    const row = this.state.maps.followers.get(fingerprint(node))
    if (row?.kind !== 'follower') return 'unknown'
    return row.revokedMs === 0 ? 'enrolled' : 'revoked'
  }

  enrol(applicant: Applicant): Promise<FollowerId> {
    return this.#alone(async () => {
      await this.append([
        { type: 'follower.enrolled', body: { ...applicant } },
        ...this.#vault.grant(this.state, applicant.node, applicant.seal),
      ])
      return fingerprint(applicant.node) as FollowerId
    })
  }

  /** Cuts a follower off for ever, and lets nobody new in until `setApproval(false)`. */
  revoke(id: FollowerId): Promise<void> {
    return this.#alone(async () => {
      const row = this.state.maps.followers.get(id)
      if (row?.kind === 'follower' && row.revokedMs !== 0) return
      const events: Event[] = [{ type: 'follower.revoked', body: { follower: fromHash(id) } }]
      if (!this.mustApprove) events.push({ type: 'enrolment.changed', body: { approve: true } })
      await this.append([], [...events, ...(await this.#vault.renew(this.state, id))])
      await this.#vault.settle(this.state)
    })
  }

  async setApproval(approve: boolean): Promise<void> {
    if (this.mustApprove !== approve) await this.append([{ type: 'enrolment.changed', body: { approve } }])
  }

  /**
   * How a follower stands to this log, by the newest head that it has stored. A head of the same log that
   * contradicts ours is a fork: the evidence is kept and this master stops appending.
   */
  async relate(bytes: Uint8Array | null): Promise<Relation | Refusal> {
    if (bytes === null) return 'new'
    const theirs = readHead(bytes)
    const keys = this.state.keys
    if (isRefusal(theirs) || !keys)
      return isRefusal(theirs) ? theirs : refuse('protocol', 'The log has no charter.')
    if (!theirs.logId.equals(keys.logId)) return 'new'
    if (theirs.seq < this.head.seq && !(await this.#contradicts(theirs))) return 'behind'
    if (theirs.seq === this.head.seq && theirs.entry.equals(this.head.entry)) return 'level'
    const logKey = logKeyAt(this.state.maps.keys.rows().values(), theirs.seq)
    const forged = signatureFault(theirs, { logId: keys.logId, logKey: Buffer.from(logKey ?? keys.logKey) })
    if (forged) return forged
    return theirs.seq > this.head.seq ? 'ahead' : this.#fork(theirs)
  }

  /** Blobs that entries signed by this master name and that it no longer has (S59); to be asked twice. */
  lacking(payloads: readonly Uint8Array[]): Promise<Hash[]> {
    return lacking(payloads, this.blobs)
  }

  /** Takes back entries that this master signed and lost (restored from a backup), after the same verification. */
  takeBack(payloads: readonly Uint8Array[]): Promise<Head | Refusal> {
    return this.#alone(() => this.#takeBack(payloads))
  }

  async #takeBack(payloads: readonly Uint8Array[]): Promise<Head | Refusal> {
    this.mustAppend()
    await this.blobs.settle()
    const head = await this.#log.ingest(payloads)
    if (!isRefusal(head)) {
      this.#remember()
      this.moved.ring()
      return head
    }
    const last = payloads.at(-1)
    const theirs = last ? readHead(last) : head
    const keys = this.state.keys
    if (isRefusal(theirs) || !keys || signatureFault(theirs, keys)) return head
    return this.#fork(theirs)
  }

  /** Removes blobs that no canonical file needs any more: superseded secrets and the keys to them are gone (N4). */
  sweep(): Promise<number> {
    return this.#alone(async () => {
      const keep = new Set<Hash>()
      for (const file of this.files.values()) keep.add(file.blob)
      for (const hash of await neededBySecrets(this.state, this.blobs)) keep.add(hash)
      return this.blobs.sweep(keep)
    })
  }

  async compact(retainEntries?: number): Promise<void> {
    this.mustAppend()
    await this.#log.compact(retainEntries)
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  async #fork(theirs: Head): Promise<Refusal> {
    const keys = this.state.keys
    if (keys)
      this.#forked =
        (await keepEvidence(this.#place, this.#place.stemmaHome, 'fork', keys, this.head, theirs)) ??
        'evidence/'
    this.moved.ring()
    return refuse('fork', `A follower holds another entry ${theirs.seq} with this master's own signature.`, {
      seq: theirs.seq,
    })
  }

  get forked(): string | null {
    return this.#forked
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #remember(): void {
    this.#recent.set(this.head.seq, toHash(this.head.entry))
    if (this.#recent.size > recentHeadsMax)
      for (const seq of this.#recent.keys()) return void this.#recent.delete(seq)
  }

  /** Is the entry that an older head names another one than ours? Unknown when ours was compacted away. */
  async #contradicts(theirs: Head): Promise<boolean> {
    const ours = this.#recent.get(theirs.seq) ?? (await this.#entryAt(theirs.seq))
    return ours !== null && ours !== toHash(theirs.entry)
  }

  async #entryAt(seq: number): Promise<Hash | null> {
    const mark = this.state.checkpoints[seq / checkpointEveryEntries - 1]
    if (mark) return toHash(mark.entry)
    if (seq < (await this.#log.oldest())) return null
    for await (const run of this.#log.records(seq)) {
      const first = run[0]
      const sealed = first ? decodeEntry(first) : null
      return sealed && !isRefusal(sealed) && sealed.entry.seq === seq ? toHash(sealed.hash) : null
    }
    return null
  }
}

const logPlace = (place: MasterPlace) => ({
  disk: place.disk,
  ids: place.ids,
  dir: `${place.stemmaHome}/log`,
})
