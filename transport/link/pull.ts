/**
 * The follower's side of one link: proves nothing but its key, believes nothing but what verifies, and takes what
 * is new. The order of messages is in README.md.
 * Always holds: everything is verified before it is stored (engine/follower.ts does both); what the master sends
 * beyond what was asked for ends the link; memory is bounded by one run and `putsAtOnceMax` pieces.
 */
import { fromHash } from '../../engine/crypto/hash.ts'
import type { Clock } from '../../engine/env/clock.ts'
import type { Wire } from '../../engine/env/wire.ts'
import type { KeyHistory } from '../../engine/fold/keys.ts'
import type { Follower } from '../../engine/follower.ts'
import { type Head, readHead } from '../../engine/log/head.ts'
import { kindOf } from '../../engine/log/record.ts'
import { Fault, isRefusal, type Refusal, toFault } from '../../schemas/fault.ts'
import { baseBytesMax, batchBytesMax, laterMax, needHashesMax, runBytesMax } from '../../schemas/limits.ts'
import type { Hash, Platform } from '../../schemas/shape.ts'
import { type Down, down, wireVersion } from '../../schemas/wire/index.ts'
import { Collector } from './collect.ts'
import { type Amount, Credit } from './credit.ts'
import { deliver } from './deliver.ts'
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
}

/** Takes everything that is new, once. Faults carry the code of what went wrong. */
export const pull = (wire: Wire, context: PullContext, stopped: AbortSignal): Promise<void> =>
  converse(wire, stopped, (jobs) => new Puller(wire, context, jobs).run())

class Puller {
  readonly #wire: Wire
  readonly #context: PullContext
  readonly #jobs: Jobs
  readonly #credit: Credit
  /** Messages that came while file contents were awaited, bounded by `laterMax` and `runBytesMax`. */
  readonly #later: Down[] = []
  #laterBytes = 0
  #taken: Amount = { entries: 0, bytes: 0 }

  constructor(wire: Wire, context: PullContext, jobs: Jobs) {
    this.#wire = wire
    this.#context = context
    this.#jobs = jobs
    this.#credit = new Credit(context.clock)
  }

  async run(): Promise<void> {
    const { follower, name, platform, greeted } = this.#context
    await say(this.#wire, {
      t: 'hello',
      version: wireVersion,
      name,
      platform,
      seal: follower.keys.seal.public,
      head: follower.head?.bytes ?? null,
      follow: false,
    })
    const { keys, head } = await this.#greeting()
    await greeted(head)
    if (follower.head === null || follower.head.seq < head.seq) await this.#catchUp(keys, head)
    await follower.complete((hashes) => this.#fetch(hashes))
  }

  /** What comes before the hello of an honest master: a wait for approval, or a recall of what it lost. */
  async #greeting(): Promise<{ keys: KeyHistory; head: Head }> {
    const { follower, pin, waiting } = this.#context
    for (;;) {
      const message = await this.#next()
      if (message.t === 'wait') waiting()
      else if (message.t === 'recall') this.#jobs.start(this.#giveBack(message.from))
      else if (message.t === 'hello') return must(await follower.judge(message, this.#wire, pin))
      else throw surprise()
    }
  }

  /** S59: the master lost what it signed. It gets the records back as they are; contents follow when it asks. */
  async #giveBack(from: number): Promise<void> {
    const { log, head } = this.#context.follower
    if (!log || !head || from > head.seq) throw new Fault('protocol', 'The master asked back what never was.')
    await sendRecords(this.#wire, log, from, this.#credit, this.#jobs.signal)
    await say(this.#wire, { t: 'entries', records: [] })
  }

  async #catchUp(keys: KeyHistory, greeted: Head): Promise<void> {
    const { follower } = this.#context
    const fetch = (hashes: readonly Hash[]) => this.#fetch(hashes)
    await say(this.#wire, { t: 'want', from: follower.head ? follower.head.seq + 1 : 0 })
    let run: Uint8Array[] = []
    let runBytes = 0
    let base: Buffer[] = []
    let baseBytes = 0
    /** Stores what is gathered and signed; entries behind the last head wait for theirs. */
    const takeRun = async (isLast: boolean) => {
      const signed = isLast ? run.length : run.findLastIndex((payload) => kindOf(payload) === 'head') + 1
      if (signed > 0) must(await follower.takeRun(run.slice(0, signed), keys, isLast ? fetch : null))
      run = run.slice(signed)
      runBytes = run.reduce((sum, payload) => sum + payload.length, 0)
    }
    for (;;) {
      const message = await this.#next()
      if (message.t === 'base') {
        if (run.length > 0 || message.index !== base.length || message.of <= message.index) throw surprise()
        baseBytes += message.part.length
        if (message.part.length === 0 || baseBytes > baseBytesMax)
          throw new Fault('protocol', 'The base that the master sends is too large.')
        base.push(Buffer.from(message.part))
        await this.#acknowledge({ entries: 0, bytes: message.part.length })
        if (base.length < message.of) continue
        must(await follower.takeBase(base, must(readHead(message.head)), keys, fetch))
        base = []
        baseBytes = 0
      } else if (message.t === 'entries') {
        for (const record of message.records) {
          run.push(record)
          runBytes += record.length
        }
        if (runBytes > runBytesMax + batchBytesMax)
          throw new Fault('protocol', 'The master sent entries without end and no head.')
        if (runBytes > runBytesMax) await takeRun(false)
      } else if (message.t === 'head') {
        await takeRun(true)
        if (follower.head && follower.head.seq >= greeted.seq) return
        throw new Fault('protocol', 'The master says that it has sent all, but entries are missing.')
      } else throw surprise()
    }
  }

  /** Asks for file contents and stores them. Whatever else comes meanwhile is kept for later. */
  async #fetch(hashes: readonly Hash[]): Promise<void> {
    const collector = new Collector(this.#context.follower.blobs, hashes)
    try {
      for (let from = 0; from < hashes.length; from += needHashesMax)
        await say(this.#wire, { t: 'need', hashes: hashes.slice(from, from + needHashesMax).map(fromHash) })
      while (!collector.done) {
        const message = await this.#hear()
        if (message.t === 'blob') {
          await collector.take(message.parts)
          await this.#acknowledge({
            entries: 0,
            bytes: message.parts.reduce((sum, part) => sum + part[2].length, 0),
          })
        } else if (message.t === 'lack') collector.lack(message.hashes)
        else if (message.t === 'entries' || message.t === 'head') this.#keep(message)
        else throw surprise()
      }
      const lacking = await collector.finish()
      if (lacking.length > 0)
        throw new Fault(
          'blob-damaged',
          `The master no longer has ${lacking.length} of the file contents that its log names.`,
          {
            lacking: lacking.length,
          },
        )
    } finally {
      await collector.abort()
    }
  }

  #keep(message: Down): void {
    if (message.t === 'entries') this.#laterBytes += tally(message.records).bytes
    if (this.#later.length >= laterMax || this.#laterBytes > runBytesMax)
      throw new Fault('protocol', 'The master sends more than this machine can keep for later.')
    this.#later.push(message)
  }

  async #next(): Promise<Down> {
    const message = this.#later.shift()
    if (message?.t === 'entries') this.#laterBytes -= tally(message.records).bytes
    return message ?? (await this.#hear())
  }

  /** The next message for the talk itself: acknowledgements and asks are dealt with on the way. */
  async #hear(): Promise<Down> {
    for (;;) {
      const message = await hear(this.#wire, down, this.#jobs.signal)
      if (message === null) throw new Fault('unreachable', 'The master ended the link.')
      if (message.t === 'bye') throw farewell(message)
      if (message.t === 'ack') {
        if (!this.#credit.acknowledge(message))
          throw new Fault('protocol', 'More was acknowledged than was sent.')
      } else if (message.t === 'need') {
        const { blobs } = this.#context.follower
        this.#jobs.queue(() => deliver(this.#wire, blobs, this.#credit, message.hashes, this.#jobs.signal))
      } else {
        // At once, also for what is kept for later: contents that are waited for share the credit with it.
        if (message.t === 'entries') await this.#acknowledge(tally(message.records))
        return message
      }
    }
  }

  async #acknowledge(more: Amount): Promise<void> {
    this.#taken = { entries: this.#taken.entries + more.entries, bytes: this.#taken.bytes + more.bytes }
    await say(this.#wire, { t: 'ack', ...this.#taken })
  }
}

const surprise = (): Fault => new Fault('protocol', 'The master sent a message that was not asked for.')

/** The value, or the refusal as a fault: from here on there is nobody to answer to. */
function must<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw toFault(value)
  return value
}
