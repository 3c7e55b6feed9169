/**
 * The log of one machine: appended to by a master, copied by a follower, in the same format.
 * Always holds:
 * 1. An entry is acknowledged only after fdatasync; `head` is that of the acknowledged log.
 * 2. After a failed fdatasync the log is poisoned: nothing more is written until it is opened anew.
 * 3. What is found behind the last good head at opening is cut off and kept aside; damage before it makes the
 *    log read-only.
 * 4. Calls that write run one after the other, in the order they were made.
 * 5. One write holds one head, and the one before it is durable first: so two heads behind damage tell that
 *    acknowledged entries are damaged, and less tells a torn tail.
 */
import type { Event } from '../../schemas/event/index.ts'
import { assert, Fault, isRefusal, type Refusal, toFault } from '../../schemas/fault.ts'
import { batchEntriesMax, retainEntriesMin, segmentBytesMax } from '../../schemas/limits.ts'
import type { PrivateKey } from '../crypto/ed25519.ts'
import { makeDirs } from '../disk/tree.ts'
import { State } from '../fold/state.ts'
import { writeBase } from './base.ts'
import { draftBatch, type Run, takeBack, verifyRun } from './batch.ts'
import { type Head, signHead } from './head.ts'
import { type LogPlace, type OpenedLog, openNewest, pathOf } from './open.ts'
import { Recent } from './recent.ts'
import { type Damage, RecordReader, writeRecords } from './record.ts'
import { createSegment, listSegments, openSegment, segmentName } from './segment.ts'

export type Base = { readonly parts: readonly Buffer[]; readonly head: Head }

export class Log {
  readonly #place: LogPlace
  #now: OpenedLog
  readonly #recent = new Recent()
  /** The newest base that was made: whoever wants it while somebody has it gets the same, however many ask. */
  #base: WeakRef<Base> | null = null
  /** From which entry on each reader still needs what is here. */
  readonly #readers = new Set<() => number>()
  #poisoned: Fault | null = null
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(place: LogPlace, opened: OpenedLog) {
    this.#place = place
    this.#now = opened
  }

  /** Begins a log: its first batch and its first segment appear together or not at all. */
  static async create(
    place: LogPlace,
    events: readonly Event[],
    timeMs: number,
    logKey: PrivateKey,
  ): Promise<Log> {
    await makeDirs(place.disk, place.dir, 0o700)
    const state = new State()
    const { payloads } = draftBatch(state, events, timeMs)
    const keys = state.keys
    assert(keys, 'a log begins with its charter')
    const head = signHead(state, keys, timeMs, logKey)
    const header = { logId: keys.logId, foldVersion: state.at.foldVersion, baseSeq: 0, baseParts: 0 }
    await createSegment(place.disk, place.ids, place.dir, header, [...payloads, head.bytes])
    return Log.open(place)
  }

  /** Begins a copy of a log at a base that the caller has verified (`readBase`). */
  static async adopt(place: LogPlace, base: Base): Promise<Log> {
    await makeDirs(place.disk, place.dir, 0o700)
    await startSegment(place, base)
    return Log.open(place)
  }

  static async exists(place: LogPlace): Promise<boolean> {
    return (await listSegments(place.disk, place.dir)).length > 0
  }

  /** Opens the newest segment, recovers its tail and folds it. Faults: `log-damaged`, `upgrade-needed`, disk. */
  static async open(place: LogPlace): Promise<Log> {
    return new Log(place, await openNewest(place))
  }

  get state(): State {
    return this.#now.state
  }
  get head(): Head {
    return this.#now.head
  }
  /** Not null when the log is read-only, and where it is damaged. */
  get damage(): Damage | null {
    return this.#now.damage
  }
  /** The newest segment has grown enough to start another. */
  get wantsCompaction(): boolean {
    return this.#now.end > segmentBytesMax
  }

  /** The master's append: facts become entries, a head signs them. Returns the head once all is durable. */
  append(events: readonly Event[], nowMs: number, logKey: PrivateKey): Promise<Head> {
    return this.#exclusive(async () => {
      this.#mustWrite()
      assert(
        events.length > 0 && events.length <= batchEntriesMax,
        'a batch is not empty and within its limit',
      )
      const { state } = this.#now
      const timeMs = Math.max(nowMs, state.at.timeMs)
      const batch = draftBatch(state, events, timeMs)
      assert(state.keys, 'an open log has its charter')
      let head: Head
      try {
        head = signHead(state, state.keys, timeMs, logKey)
      } catch (error) {
        takeBack(batch.undos)
        throw error
      }
      const payloads = [...batch.payloads, head.bytes]
      await this.#write({ head, payloads, undos: batch.undos })
      this.#recent.add(head.seq - batch.payloads.length + 1, payloads)
      return head
    })
  }

  /**
   * The follower's append: one run of payloads as they came (`splitRun`), ending in a head. All of it is verified
   * before anything is written; a refusal leaves everything as it was. Of several heads the last is stored.
   * `beforeWrite` sees the verified state (to fetch what it names); when it throws, nothing is written either.
   */
  ingest(
    payloads: readonly Uint8Array[],
    beforeWrite: (state: State) => Promise<void> = async () => undefined,
  ): Promise<Head | Refusal> {
    return this.#exclusive(async () => {
      this.#mustWrite()
      const run = verifyRun(this.#now.state, payloads)
      if (isRefusal(run)) return run
      try {
        await beforeWrite(this.#now.state)
      } catch (error) {
        takeBack(run.undos)
        throw error
      }
      await this.#write(run)
      return run.head
    })
  }

  /** Would these be taken, batch by batch, by `ingest`? Nothing is written and nothing stays changed. */
  judge(runs: readonly (readonly Uint8Array[])[]): Promise<Refusal | null> {
    return this.#exclusive(async () => {
      const undos: Run['undos'][number][] = []
      try {
        for (const run of runs) {
          const verified = verifyRun(this.#now.state, run)
          if (isRefusal(verified)) return verified
          for (const undo of verified.undos) undos.push(undo)
        }
        return null
      } finally {
        takeBack(undos)
      }
    })
  }

  /** The state at the newest head, in parts, for a cold join or a new segment. */
  base(): Promise<Base> {
    return this.#exclusive(async () => {
      const { state, head } = this.#now
      const shared = this.#base?.deref()
      if (shared?.head === head) return shared
      const base = { parts: writeBase(state), head }
      this.#base = new WeakRef(base)
      return base
    })
  }

  /** The first entry that `records` can give. */
  async oldest(): Promise<number> {
    return (await listSegments(this.#place.disk, this.#place.dir))[0] ?? 1
  }

  /**
   * From now on until the returned call, no entry is dropped that a reader is still to get: `next` says its first one.
   * What it held goes with the next compaction.
   */
  hold(next: () => number): () => void {
    this.#readers.add(next)
    return () => this.#readers.delete(next)
  }

  /** Payloads of entries and heads from entry `from` up to the newest head, in runs. */
  async *records(from: number): AsyncGenerator<Buffer[]> {
    const until = this.#now
    const recent = from > until.head.seq ? [] : this.#recent.from(from)
    if (recent) {
      if (recent.length > 0) yield recent
      return
    }
    const segments = await listSegments(this.#place.disk, this.#place.dir)
    for (const [i, first] of segments.entries()) {
      const next = segments[i + 1]
      if ((next !== undefined && next <= from) || first > until.first) continue
      const file = await this.#place.disk.open(pathOf(this.#place, first), 'read')
      try {
        const opened = await openSegment(file, false)
        if (isRefusal(opened)) throw toFault(opened)
        const reader = new RecordReader(
          file,
          opened.bodyAt,
          first === until.first ? until.end : (await file.stat()).size,
        )
        let seq = first - 1
        for (let run = await reader.next(); run !== null; run = await reader.next()) {
          const out: Buffer[] = []
          for (const record of run) {
            if (record.kind === 'entry') seq++
            if (seq >= from) out.push(record.payload)
          }
          if (out.length > 0) yield out
        }
        if (reader.damage)
          throw new Fault(
            'log-damaged',
            `${segmentName(first)} is damaged at byte ${reader.damage.at}: ${reader.damage.why}.`,
            {
              at: reader.damage.at,
            },
          )
        if (first < until.first && seq + 1 !== next)
          throw new Fault(
            'log-damaged',
            `${segmentName(first)} ends at entry ${seq}, and the next segment begins at entry ${next}.`,
            { seq },
          )
      } finally {
        await file.close()
      }
    }
  }

  /** Starts a new segment with a base at the newest head, and drops old segments beyond the retention. */
  compact(retainEntries = retainEntriesMin): Promise<void> {
    return this.#exclusive(async () => {
      this.#mustWrite()
      const { head, state, first } = this.#now
      // Before and after: what can go first may be the room that a full disk lacks for the new one.
      await this.#drop(head.seq + 1 - retainEntries)
      if (head.seq + 1 !== first) await this.#begin({ parts: writeBase(state), head })
      await this.#reopen()
      await this.#drop(head.seq + 1 - retainEntries)
    })
  }

  /** Moves a follower's copy up to a base that the caller has verified, where entries between are not to be had. */
  moveTo(base: Base): Promise<void> {
    return this.#exclusive(async () => {
      this.#mustWrite()
      assert(base.head.seq > this.#now.head.seq, 'a base moves a copy forward only')
      await this.#begin(base)
      await this.#reopen()
      await this.#drop(base.head.seq + 1)
    })
  }

  close(): Promise<void> {
    return this.#exclusive(() => this.#now.file.close())
  }

  /** Starts a segment behind the open one. */
  async #begin(base: Base): Promise<void> {
    try {
      await startSegment(this.#place, base)
    } catch (error) {
      // Once it has its name, the next start takes it for the newest: what is written to the old one would be lost.
      const path = pathOf(this.#place, base.head.seq + 1)
      const absent = await this.#place.disk.stat(path).then(
        (stat) => stat === null,
        () => false,
      )
      if (!absent) this.#poison(error)
      throw error
    }
  }

  /** Drops segments whose every entry is older than `wanted` and was read by all who read now, the oldest first. */
  async #drop(wanted: number): Promise<void> {
    const keepFrom = Math.min(wanted, ...[...this.#readers].map((next) => next()))
    const segments = await listSegments(this.#place.disk, this.#place.dir)
    for (const [i, first] of segments.entries()) {
      const next = segments[i + 1]
      if (next !== undefined && next <= keepFrom) await this.#place.disk.unlink(pathOf(this.#place, first))
    }
  }

  async #reopen(): Promise<void> {
    // Until the new segment is open nothing may be written to the old one: a failure leaves the log closed.
    this.#poisoned = new Fault(
      'log-poisoned',
      'The log could not be opened again after a new segment was begun.',
    )
    await this.#now.file.close()
    this.#now = await openNewest(this.#place)
    this.#poisoned = null
  }

  #mustWrite(): void {
    if (this.#poisoned) throw this.#poisoned
    if (this.#now.damage)
      throw new Fault(
        'log-damaged',
        `${segmentName(this.#now.first)} is damaged at byte ${this.#now.damage.at} (after entry ${this.#now.head.seq}): ${this.#now.damage.why}.`,
        { at: this.#now.damage.at, seq: this.#now.head.seq },
      )
  }

  /** Writes a run that `state` already holds; whatever fails, `state` is taken back to what is durable. */
  async #write({ head, payloads, undos }: Run): Promise<void> {
    const { file, end, state } = this.#now
    const bytes = writeRecords(payloads)
    try {
      await file.write([bytes], end)
    } catch (error) {
      takeBack(undos)
      // The disk refused data, not durability: what arrived is cut off for good, and the log goes on where it was.
      try {
        await file.truncate(end)
        await file.dataSync()
      } catch {
        this.#poison(error)
      }
      throw error
    }
    try {
      await file.dataSync()
    } catch (error) {
      takeBack(undos)
      throw this.#poison(error)
    }
    state.at = { ...state.at, timeMs: Math.max(state.at.timeMs, head.timeMs) }
    this.#now = { ...this.#now, head, end: end + bytes.length }
  }

  #poison(cause: unknown): Fault {
    this.#poisoned = new Fault('log-poisoned', 'The disk did not make the log durable.', {}, cause)
    return this.#poisoned
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function startSegment(place: LogPlace, { parts, head }: Base): Promise<number> {
  const header = {
    logId: head.logId,
    foldVersion: head.foldVersion,
    baseSeq: head.seq,
    baseParts: parts.length,
  }
  return createSegment(place.disk, place.ids, place.dir, header, [...parts, head.bytes])
}
