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
 */
import { type Event, foldVersion } from '../schemas/event/index.ts'
import { assert, Fault, isRefusal, type Refusal, refuse } from '../schemas/fault.ts'
import { checkpointEveryEntries, draftEntriesMax, recentHeadsMax } from '../schemas/limits.ts'
import type { FollowerRow } from '../schemas/section.ts'
import type { FollowerId, Hash, Platform } from '../schemas/shape.ts'
import { channelBytes, charterBytes, logIdBytes } from '../schemas/signable.ts'
import { Blobs } from './blobs/blobs.ts'
import { defaultSelection, type Selection, selectionEvent } from './canon/selection.ts'
import { fingerprint, sign } from './crypto/ed25519.ts'
import { fromHash, toHash } from './crypto/hash.ts'
import type { Disk } from './disk/disk.ts'
import { makeDirs, removeTree } from './disk/tree.ts'
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
import { splitRun } from './log/batch.ts'
import { type Head, readHead, signAnew, signatureFault } from './log/head.ts'
import { behind, contradicts, firstLine } from './log/line.ts'
import { Log } from './log/log.ts'
import { kindOf } from './log/record.ts'

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
  readonly blobs: Blobs
  /** Rings after every change of the log. */
  readonly moved = new Bell()
  readonly #recent = new Map<number, Hash>()
  #idle: Head | null = null
  /** The newest head that a follower showed and this log does not reach. */
  #lost: Head | null = null
  #forked: string | null

  private constructor(place: MasterPlace, keys: MasterKeys, log: Log, blobs: Blobs, forked: string | null) {
    this.#place = place
    this.#keys = keys
    this.#log = log
    this.blobs = blobs
    this.#forked = forked
  }

  /**
   * Clears away a log that `init` began and nobody was told of, when the run was cut off in between: its charter
   * alone, with a recovery key that nobody has seen. Any other log stays. For a folder that belongs to nobody.
   */
  static async clearUnborn(place: MasterPlace): Promise<void> {
    const { disk, stemmaHome } = place
    if (!(await Log.exists(logPlace(place)))) return
    const unborn = await Master.open(place)
    const { seq } = unborn.head
    await unborn.close()
    if (seq > 1) return
    await removeTree(disk, logPlace(place).dir)
    await disk.syncDir(stemmaHome)
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
    return new Master(place, keys, log, blobs, await openEvidence(disk, stemmaHome, 'fork'))
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
  get log(): Pick<Log, 'records' | 'base' | 'oldest'> {
    return this.#log
  }
  get files(): CanonFiles {
    return this.state.files()
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

  /** Appends facts in order, in as many batches as they need. Blobs that they name must have been put already. */
  async append(events: readonly Event[]): Promise<Head> {
    this.mustAppend()
    // Before, not after: a failure here must not be told of entries that are safe in the log.
    if (this.#log.wantsCompaction) await this.#log.compact()
    await this.blobs.settle()
    try {
      for (const batch of inBatches(events)) {
        this.mustAppend()
        await this.#log.append(batch, this.#place.clock.now(), this.#keys.log.private)
        this.#remember()
      }
    } finally {
      this.moved.ring()
    }
    return this.head
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

  async enrol(applicant: Applicant): Promise<FollowerId> {
    await this.append([{ type: 'follower.enrolled', body: { ...applicant } }])
    return fingerprint(applicant.node) as FollowerId
  }

  /** Cuts a follower off for ever, and lets nobody new in until `setApproval(false)`. */
  async revoke(id: FollowerId): Promise<void> {
    const events: Event[] = [{ type: 'follower.revoked', body: { follower: fromHash(id) } }]
    if (!this.mustApprove) events.push({ type: 'enrolment.changed', body: { approve: true } })
    await this.append(events)
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
    return this.#fork(theirs, theirs.seq === this.head.seq ? [] : await this.#lineFrom(theirs.seq))
  }

  /** Blobs that entries signed by this master name and that it no longer has (S59). */
  async lacking(payloads: readonly Uint8Array[]): Promise<readonly Hash[] | Refusal> {
    const refusal = await this.#log.judge(splitRun(behind(payloads, this.head.seq)))
    // What we did not sign names nothing for us; another history with our signature is for `takeBack` to find.
    if (refusal) return refusal.refused === 'fork' ? [] : refusal
    const live = new Map<string, Hash>()
    for (const payload of payloads) {
      const sealed = decodeEntry(payload)
      if (isRefusal(sealed)) continue
      const { entry } = sealed
      if (entry.type === 'file.put') live.set(entry.body.path, toHash(entry.body.blob))
      else if (entry.type === 'file.removed') live.delete(entry.body.path)
    }
    return this.blobs.lacking(live.values())
  }

  /**
   * Takes back entries that this master signed and lost (restored from a backup), after the same verification.
   * What another follower has given back meanwhile is passed over. Entries that contradict ours are a fork only
   * when they lead to a head with this master's signature; anything else is a refusal of that follower.
   */
  async takeBack(payloads: readonly Uint8Array[]): Promise<Head | Refusal> {
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

  /** Removes blobs that no canonical file needs any more. */
  async sweep(): Promise<number> {
    const keep = new Set<Hash>()
    for (const file of this.files.values()) keep.add(file.blob)
    return this.blobs.sweep(keep)
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

  #remember(): void {
    this.#recent.set(this.head.seq, toHash(this.head.entry))
    if (this.#recent.size > recentHeadsMax)
      for (const seq of this.#recent.keys()) return void this.#recent.delete(seq)
  }

  /** The hash of one of our entries; null when it was compacted away. */
  async #entryAt(seq: number): Promise<Hash | null> {
    const recent = this.#recent.get(seq)
    if (recent) return recent
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

  /** Our entries from `seq` on, up to the first head behind them; nothing when they were compacted away. */
  async #lineFrom(seq: number): Promise<readonly Buffer[]> {
    const out: Buffer[] = []
    if (seq < (await this.#log.oldest())) return out
    for await (const run of this.#log.records(seq))
      for (const payload of run) {
        out.push(payload)
        if (kindOf(payload) === 'head') return out
      }
    return out
  }
}

const logPlace = (place: MasterPlace) => ({
  disk: place.disk,
  ids: place.ids,
  dir: `${place.stemmaHome}/log`,
})

/** Cuts a list of facts into legal batches. */
function* inBatches(events: readonly Event[]): Generator<Event[]> {
  for (let from = 0; from < events.length; from += draftEntriesMax)
    yield events.slice(from, from + draftEntriesMax)
}
