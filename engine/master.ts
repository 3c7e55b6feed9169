/**
 * The master: the one writer of a log. Turns what a scan found and what its owner decided into entries, and
 * judges who may read them.
 * Always holds:
 * 1. Every blob that an entry names is durable before the entry is (S26's order, at the source).
 * 2. A follower only asks: nothing it sends becomes an entry except its own enrolment and, after a restore from a
 *    backup, entries that this master signed itself (S2, S59).
 * 3. A revoked key never enrols again (Q4).
 * 4. After a fork was found nothing is appended until a person has settled it; after a head of our own was seen
 *    that this log does not reach, nothing until the entries up to it were taken back (S59).
 * 5. What reads the state, prepares and then appends is done one after the other: an epoch cannot begin, nor a
 *    machine enrol, between the sealing of secrets and the entries that name them.
 */
import type { Event } from '../schemas/event/index.ts'
import { assert, Fault, isRefusal, type Refusal, refuse } from '../schemas/fault.ts'
import { recentHeadsMax } from '../schemas/limits.ts'
import type { HomePath } from '../schemas/path.ts'
import type { FollowerId, Hash } from '../schemas/shape.ts'
import { channelBytes } from '../schemas/signable.ts'
import type { Applicant, FollowerFacts, Relation, Standing } from './applicant.ts'
import { Blobs } from './blobs/blobs.ts'
import { diff } from './canon/diff.ts'
import type { Scan } from './canon/scan.ts'
import { defaultSelection, type Selection, selectionEvent } from './canon/selection.ts'
import { publishables } from './compose/publish.ts'
import { fingerprint, sign } from './crypto/ed25519.ts'
import { fromHash, toHash } from './crypto/hash.ts'
import { sweepTemps } from './disk/save.ts'
import { Bell } from './env/bell.ts'
import { keepEvidence, openEvidence } from './evidence.ts'
import type { CanonFiles } from './fold/file.ts'
import { logKeyAt } from './fold/keys.ts'
import { enrolmentKey } from './fold/reducers/follower.ts'
import { selectionKey } from './fold/reducers/selection.ts'
import type { State } from './fold/state.ts'
import { foundLog, logPlace, type MasterPlace } from './found.ts'
import { loadMasterKeys, type MasterKeys } from './keys/keys.ts'
import { lacking } from './lack.ts'
import { splitRun } from './log/batch.ts'
import { inBatches } from './log/cut.ts'
import { hashAt, lineFrom } from './log/find.ts'
import { type Head, readHead, signAnew, signatureFault } from './log/head.ts'
import { behind, contradicts, firstLine } from './log/line.ts'
import { Log } from './log/log.ts'
import { neededBySecrets } from './secrets/reader.ts'
import { type RefusedSecret, Vault } from './secrets/vault.ts'

export type { Applicant, FollowerFacts, Relation, Standing } from './applicant.ts'

/** A look at the home. `hooksFile` is its hooks.json as Codex names it. */
export type Found = Pick<Scan, 'files' | 'secrets' | 'kept'> & { readonly hooksFile: string }

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
  /** The newest head that a follower showed and this log does not reach. */
  #lost: Head | null = null
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
    const recovery = await foundLog(place)
    return { master: await Master.open(place), recovery }
  }

  /** Faults: `log-damaged`, `keys-damaged` when the keys are not those of the log, disk codes. */
  static async open(place: MasterPlace): Promise<Master> {
    const { disk, ids, stemmaHome } = place
    const keys = await loadMasterKeys(disk, stemmaHome)
    // What an interrupted save left may be half a vault, with keys of epochs that are over (N4).
    await sweepTemps(disk, stemmaHome)
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
    return this.#idle?.entry.equals(this.head.entry) ? this.#idle : this.head
  }
  get fingerprint(): Hash {
    return fingerprint(this.#keys.node.public)
  }
  get log(): Pick<Log, 'records' | 'base' | 'oldest' | 'hold'> {
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

  /** Throws when nothing may be appended now. */
  mustAppend(): void {
    this.#mustBeWhole()
    if (this.#lost)
      throw new Fault(
        'rollback',
        `This log ends at entry ${this.head.seq}, but a follower holds entry ${this.#lost.seq} with its signature: it was restored from a backup. Nothing is appended until a follower has given the rest back.`,
        { ours: this.head.seq, theirs: this.#lost.seq },
      )
  }

  #mustBeWhole(): void {
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
    // Before, not after: a failure here must not be told of entries that are safe in the log.
    if (this.#log.wantsCompaction) await this.#log.compact()
    await this.blobs.settle()
    try {
      for (const batch of inBatches(events, whole)) {
        this.mustAppend()
        await this.#log.append(batch, this.#place.clock.now(), this.#keys.log.private)
        this.#remember()
      }
    } finally {
      this.moved.ring()
    }
    return this.head
  }

  /**
   * Publishes what a scan found: changed files as they are, changed secrets sealed. Says which secrets could not be.
   */
  publish(found: Found): Promise<{ readonly entries: number; readonly refused: readonly RefusedSecret[] }> {
    return this.#alone(() => this.#publish(found))
  }

  async #publish(found: Found) {
    const platform = this.#place.disk.windows ? 'win32' : 'linux'
    const { secrets, refused } = publishables(found.secrets, found.hooksFile, platform)
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

  /** Signs the newest head anew (an idle master does every 5 minutes), so that silence is not a freeze. */
  freshen(): void {
    // The head, not the state: that may hold entries which are still on their way to the disk.
    this.#idle = signAnew(this.head, this.#place.clock.now(), this.#keys.log.private)
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
    if (theirs.seq === this.head.seq && theirs.entry.equals(this.head.entry)) return 'level'
    // Before the log is searched: a stranger cannot make this master read.
    const logKey = Buffer.from(logKeyAt(this.state.maps.keys.rows().values(), theirs.seq) ?? keys.logKey)
    const forged = signatureFault(theirs, { logId: keys.logId, logKey })
    if (forged) return forged
    if (theirs.seq > this.head.seq) {
      if (!this.#lost || theirs.seq > this.#lost.seq) this.#lost = theirs
      return 'ahead'
    }
    const ours = theirs.seq === this.head.seq ? toHash(this.head.entry) : await this.#entryAt(theirs.seq)
    if (ours === null || ours === toHash(theirs.entry)) return 'behind'
    // Who stole a key that was replaced since must not be able to stop the master with it.
    if (!logKey.equals(keys.logKey))
      return refuse(
        'fork',
        `That machine holds another entry ${theirs.seq}, signed with a key that this log has replaced.`,
        { seq: theirs.seq },
      )
    return this.#fork(theirs, theirs.seq === this.head.seq ? [] : await lineFrom(this.#log, theirs.seq))
  }

  /** Blobs that entries signed by this master name and that it no longer has (S59); to be asked twice. */
  async lacking(payloads: readonly Uint8Array[]): Promise<readonly Hash[] | Refusal> {
    const refusal = await this.#log.judge(splitRun(behind(payloads, this.head.seq)))
    // What we did not sign names nothing for us; another history with our signature is for `takeBack` to find.
    if (refusal) return refusal.refused === 'fork' ? [] : refusal
    return lacking(payloads, this.blobs)
  }

  /**
   * Takes back entries that this master signed and lost (restored from a backup), after the same verification.
   * What another follower has given back meanwhile is passed over. Entries that contradict ours are a fork only
   * when they lead to a head with this master's signature; anything else is a refusal of that follower.
   */
  takeBack(payloads: readonly Uint8Array[]): Promise<Head | Refusal> {
    return this.#alone(() => this.#takeBack(payloads))
  }

  async #takeBack(payloads: readonly Uint8Array[]): Promise<Head | Refusal> {
    this.#mustBeWhole()
    await this.blobs.settle()
    for (const run of splitRun(behind(payloads, this.head.seq))) {
      const head = await this.#log.ingest(run)
      if (!isRefusal(head)) {
        this.#remember()
        continue
      }
      const keys = this.state.keys
      const line = keys && firstLine(run, keys)
      return line && contradicts(line, this.head) ? this.#fork(line.head, line.records) : head
    }
    if (this.#lost && this.head.seq >= this.#lost.seq) this.#lost = null
    this.moved.ring()
    return this.head
  }

  /** Removes blobs that no canonical file needs any more: superseded secrets and the keys to them are gone (N4). */
  sweep(breathe?: () => Promise<void>): Promise<number> {
    return this.#alone(async () => {
      const keep = new Set<Hash>()
      for (const file of this.files.values()) keep.add(file.blob)
      for (const hash of await neededBySecrets(this.state, this.blobs)) keep.add(hash)
      return this.blobs.sweep(keep, breathe)
    })
  }

  async compact(retainEntries?: number): Promise<void> {
    this.mustAppend()
    await this.#log.compact(retainEntries)
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  /** `records`: the entries, and the head that they lead to, which show the contradiction where the numbers differ. */
  async #fork(theirs: Head, records: readonly Uint8Array[]): Promise<Refusal> {
    const { stemmaHome } = this.#place
    const keys = this.state.keys
    assert(keys, 'an open log has its charter')
    // At once: whatever becomes of the evidence, nothing is appended from here on.
    this.#forked ??= `${stemmaHome}/evidence`
    this.moved.ring()
    const last = records.at(-1)
    const own = last ? readHead(last) : this.head
    const ours = isRefusal(own) || own.bytes.equals(theirs.bytes) ? this.head : own
    this.#forked = await keepEvidence(this.#place, stemmaHome, 'fork', keys, ours, theirs, records)
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

  /** The hash of one of our entries; null when it was compacted away. */
  async #entryAt(seq: number): Promise<Hash | null> {
    return this.#recent.get(seq) ?? (await hashAt(this.#log, seq))
  }
}
