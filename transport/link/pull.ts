/**
 * The follower's side of one link: proves nothing but its key, believes nothing but what verifies, and takes what
 * is new. The order of messages is in README.md.
 * Always holds: everything is verified before it is stored (engine/follower.ts does both); what the master sends
 * beyond what was asked for ends the link, and so does a master that owes an answer and gives none; memory is bounded by
 * one run and `putsAtOnceMax` pieces.
 */
import type { Clock } from '../../engine/env/clock.ts'
import { counting, type OnProgress } from '../../engine/env/progress.ts'
import type { Wire } from '../../engine/env/wire.ts'
import type { KeyHistory } from '../../engine/fold/keys.ts'
import type { Fetch, Follower } from '../../engine/follower.ts'
import { type Head, readHead } from '../../engine/log/head.ts'
import { Fault, isRefusal, type Refusal, toFault } from '../../schemas/fault.ts'
import { laterMax, recallTimeoutMs, runBytesMax, stallTimeoutMs } from '../../schemas/limits.ts'
import type { Hash, Platform } from '../../schemas/shape.ts'
import { type Down, down, type Up, wireVersion } from '../../schemas/wire/index.ts'
import { closeFault } from './close.ts'
import { type Amount, Credit } from './credit.ts'
import { Deliveries } from './deliver.ts'
import { gather } from './gather.ts'
import { BaseIntake, RunIntake } from './intake.ts'
import { converse, type Jobs } from './jobs.ts'
import { sendRecords, tally } from './records.ts'
import { farewell, hear, say } from './talk.ts'

export type PullContext = {
  readonly follower: Follower
  readonly clock: Clock
  readonly pin: Hash
  readonly name: string
  readonly platform: Platform
  /** The master has not let this machine in yet; a person there must. */
  readonly waiting: () => void
  /** The master is the pinned one, at this head. */
  readonly greeted: (head: Head) => Promise<void>
  /** Entries that came, and file contents. */
  readonly progress?: OnProgress
}

export type FollowContext = PullContext & {
  /** All that the master has is stored here: at first, and after every change. The link is not read until it settles. */
  readonly level: () => Promise<void>
}

/** Takes everything that is new, once. Faults carry the code of what went wrong. */
export const pull = (wire: Wire, context: PullContext, stopped: AbortSignal): Promise<void> =>
  converse(wire, stopped, (jobs) => new Puller(wire, context, jobs).once())

/** Takes everything that is new, as it comes, until the link ends: the fault says how, or is the reason of `stopped`. */
export const follow = (wire: Wire, context: FollowContext, stopped: AbortSignal): Promise<void> =>
  converse(wire, stopped, (jobs) => new Puller(wire, context, jobs).onwards(context.level))

class Puller {
  readonly #wire: Wire
  readonly #context: PullContext
  readonly #jobs: Jobs
  /** Aborted when the master owed something for too long. */
  readonly #late = new AbortController()
  readonly #signal: AbortSignal
  /** Entries and heads that came while file contents were awaited: acknowledged, at most `runBytesMax` of them. */
  readonly #later: Down[] = []
  #laterBytes = 0
  #taken: Amount = { entries: 0, bytes: 0 }

  constructor(wire: Wire, context: PullContext, jobs: Jobs) {
    this.#wire = wire
    this.#context = context
    this.#jobs = jobs
    this.#signal = AbortSignal.any([jobs.signal, this.#late.signal])
  }

  async once(): Promise<void> {
    const { follower } = this.#context
    const { keys, head } = await this.#greet(false)
    if (follower.head === null || follower.head.seq < head.seq) {
      await this.#want()
      await this.#takeTail(keys, head)
    }
    await follower.complete(this.#fetch)
  }

  async onwards(level: () => Promise<void>): Promise<never> {
    const { follower } = this.#context
    const { keys, head } = await this.#greet(true)
    await this.#want()
    await this.#takeTail(keys, head)
    await follower.complete(this.#fetch)
    for (;;) {
      await level()
      // Until something changes the master owes nothing.
      await this.#takeTail(keys, head, null)
    }
  }

  async #greet(isFollowing: boolean): Promise<{ keys: KeyHistory; head: Head }> {
    const { follower, name, platform, greeted } = this.#context
    await say(this.#wire, {
      t: 'hello',
      version: wireVersion,
      name,
      platform,
      seal: follower.keys.seal.public,
      head: follower.head?.bytes ?? null,
      follow: isFollowing,
    })
    const greeting = await this.#greeting()
    await greeted(greeting.head)
    return greeting
  }

  /** What comes before the hello of an honest master: a wait for approval, or a recall of what it lost. */
  async #greeting(): Promise<{ keys: KeyHistory; head: Head }> {
    const { follower, pin, waiting, clock } = this.#context
    const credit = new Credit(clock)
    const deliveries = new Deliveries(this.#wire, follower.blobs, credit, this.#jobs)
    let waits = false
    let recalled = false
    for (;;) {
      const patienceMs = waits ? null : recalled ? recallTimeoutMs : stallTimeoutMs
      const message = await this.#hear(patienceMs)
      if (message.t === 'hello') return must(await follower.judge(message, this.#wire, pin))
      if (message.t === 'wait' && !waits) {
        waits = true
        waiting()
      } else if (message.t === 'recall' && !recalled) {
        recalled = true
        this.#jobs.start(this.#giveBack(message.from, credit))
      } else if (message.t === 'need' && recalled) {
        deliveries.take(message.hashes)
      } else if (message.t === 'ack' && recalled) {
        if (!credit.acknowledge(message)) throw new Fault('protocol', 'More was acknowledged than was sent.')
      } else throw surprise()
    }
  }

  /** S59: the master lost what it signed. It gets the records back as they are; contents follow when it asks. */
  async #giveBack(from: number, credit: Credit): Promise<void> {
    const { log, head } = this.#context.follower
    if (!log || !head || from > head.seq) throw new Fault('protocol', 'The master asked back what never was.')
    const oldest = await log.oldest()
    if (from < oldest)
      throw new Fault(
        'rollback',
        `The master has lost its entries from ${from} on, and the copy on this machine begins only at entry ${oldest}: another machine has to give them back.`,
        { from, oldest },
      )
    await sendRecords(this.#wire, log, from, credit, this.#jobs.signal)
    await say(this.#wire, { t: 'entries', records: [] })
  }

  #want(): Promise<void> {
    const { head } = this.#context.follower
    return say(this.#wire, { t: 'want', from: head ? head.seq + 1 : 0 })
  }

  /** Everything up to the next head that is told behind the last entry. */
  async #takeTail(
    keys: KeyHistory,
    greeted: Head,
    firstWithinMs: number | null = stallTimeoutMs,
  ): Promise<void> {
    const { follower } = this.#context
    const fetch = this.#fetch
    const base = new BaseIntake()
    const run = new RunIntake()
    const from = follower.head?.seq ?? 0
    const count = counting(this.#context.progress, 'check', greeted.seq - from)
    for (let patienceMs = firstWithinMs; ; patienceMs = stallTimeoutMs) {
      const message = await this.#next(patienceMs)
      if (message.t === 'base' && run.isEmpty) {
        const whole = base.take(message)
        await this.#acknowledge({ entries: 0, bytes: message.part.length })
        if (!whole) continue
        must(await follower.takeBase(whole.parts, whole.head, keys, fetch))
        count(whole.head.seq - from)
      } else if (message.t === 'entries' && !base.isOpen) {
        // More follows, which may supersede what these name: contents are fetched at the end.
        const signed = run.take(message.records)
        if (signed) must(await follower.takeRun(signed, keys, null))
        count(tally(message.records).entries)
      } else if (message.t === 'head' && !base.isOpen) {
        const rest = run.rest()
        if (rest.length > 0) must(await follower.takeRun(rest, keys, fetch))
        mustBeAll(follower, must(readHead(message.head)), greeted)
        return
      } else throw surprise()
    }
  }

  /** Asks for file contents and stores them. Whatever else comes meanwhile is kept for later. */
  readonly #fetch: Fetch = async (hashes, sizes) => {
    const ofBytes = hashes.reduce((sum, hash) => sum + (sizes.get(hash) ?? 0), 0)
    const lacking = await gather(this.#context.follower.blobs, hashes, {
      sizes,
      wire: this.#wire,
      hear: (also) => this.#hear(stallTimeoutMs, AbortSignal.any([this.#signal, also])),
      acknowledge: (more) => this.#acknowledge(more),
      other: (message) => this.#keep(message),
      arrived: counting(this.#context.progress, 'fetch', hashes.length, ofBytes),
    })
    if (lacking.length > 0)
      throw new Fault(
        // Most often it has published others since: the next link asks for those.
        'incomplete',
        `The master no longer has ${lacking.length} of the file contents that its log named a moment ago.`,
        { lacking: lacking.length },
      )
  }

  #keep(message: Up | Down): void {
    if (message.t !== 'entries' && message.t !== 'head') throw surprise()
    if (message.t === 'entries') this.#laterBytes += tally(message.records).bytes
    if (this.#later.length >= laterMax || this.#laterBytes > runBytesMax)
      throw new Fault('protocol', 'The master sends more than this machine can keep for later.')
    this.#later.push(message)
  }

  async #next(patienceMs: number | null): Promise<Down> {
    const message = this.#later.shift()
    if (message?.t === 'entries') this.#laterBytes -= tally(message.records).bytes
    return message ?? (await this.#hear(patienceMs))
  }

  /** @param patienceMs how long the master may take; null when it owes nothing. */
  async #hear(patienceMs: number | null, signal = this.#signal): Promise<Down> {
    const late = () => this.#late.abort(new Fault('timed-out', 'The master owes an answer and is silent.'))
    const cancel = patienceMs === null ? () => {} : this.#context.clock.after(patienceMs, late)
    const message = await hear(this.#wire, down, signal).finally(cancel)
    if (message === null) throw closeFault(await this.#wire.closed)
    if (message.t === 'bye') throw farewell(message)
    // At once, also for what is kept for later: contents that are waited for share the credit with it.
    if (message.t === 'entries') await this.#acknowledge(tally(message.records))
    return message
  }

  async #acknowledge(more: Amount): Promise<void> {
    this.#taken = { entries: this.#taken.entries + more.entries, bytes: this.#taken.bytes + more.bytes }
    await say(this.#wire, { t: 'ack', ...this.#taken })
  }
}

/** The head behind the last entry is the one that is stored here now, whenever it was signed. */
function mustBeAll({ head: own }: Follower, told: Head, greeted: Head): void {
  if (!own || own.seq < greeted.seq || told.seq !== own.seq || !told.entry.equals(own.entry))
    throw new Fault('protocol', 'The master says that it has sent all, but entries are missing.')
}

const surprise = (): Fault => new Fault('protocol', 'The master sent a message that was not asked for.')

/** The value, or the refusal as a fault: from here on there is nobody to answer to. */
function must<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw toFault(value)
  return value
}
