/**
 * The master's side of one link: judges who asks, proves itself, then answers what is wanted until it ends.
 * Always holds: nothing of the log leaves before the other end is an enrolled follower; what the other end sends
 * can only ask. The order of messages is in README.md.
 */
import { fromHash } from '../../engine/crypto/hash.ts'
import type { Clock } from '../../engine/env/clock.ts'
import type { Wire } from '../../engine/env/wire.ts'
import type { Applicant, Master } from '../../engine/master.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { helloTimeoutMs, needHashesMax, recallBytesMax } from '../../schemas/limits.ts'
import { type Up, up, wireVersion } from '../../schemas/wire/index.ts'
import { Collector } from './collect.ts'
import { type Amount, Credit } from './credit.ts'
import { deliver } from './deliver.ts'
import type { Gate } from './gate.ts'
import { converse, type Jobs } from './jobs.ts'
import { sendRecords, tally } from './records.ts'
import { farewell, hear, say } from './talk.ts'

export type HostContext = {
  readonly master: Master
  readonly gate: Gate
  readonly clock: Clock
  /** Told once a link is past its hello. */
  readonly joined: (follower: string) => void
}

/** Serves one wire until it closes. A fault that ends it is told to the other side and thrown. */
export const host = (wire: Wire, context: HostContext, stopped: AbortSignal): Promise<void> =>
  converse(wire, stopped, (jobs) => new Host(wire, context, jobs).run())

class Host {
  readonly #wire: Wire
  readonly #context: HostContext
  readonly #jobs: Jobs
  readonly #credit: Credit

  constructor(wire: Wire, context: HostContext, jobs: Jobs) {
    this.#wire = wire
    this.#context = context
    this.#jobs = jobs
    this.#credit = new Credit(context.clock)
  }

  async run(): Promise<void> {
    const { master } = this.#context
    const hello = await this.#hello()
    if (!hello) return
    const applicant = {
      node: Buffer.from(this.#wire.peerKey),
      seal: Buffer.from(hello.seal),
      name: hello.name,
      platform: hello.platform,
    }
    await this.#admit(applicant)
    const relation = await master.relate(hello.head)
    if (isRefusal(relation)) throw toFault(relation)
    if (relation === 'ahead') await this.#recall()
    const head = master.freshHead
    await say(this.#wire, {
      t: 'hello',
      version: wireVersion,
      keys: [...master.state.maps.keys.rows().values()],
      head: head.bytes,
      proof: master.prove(head, this.#wire.exporter),
    })
    this.#context.joined(hello.name)
    await this.#answer(hello.follow)
  }

  async #hello(): Promise<Extract<Up, { t: 'hello' }> | null> {
    const late = new AbortController()
    const cancel = this.#context.clock.after(helloTimeoutMs, () =>
      late.abort(new Fault('timed-out', 'No hello came in time.')),
    )
    try {
      const message = await hear(this.#wire, up, AbortSignal.any([this.#jobs.signal, late.signal]))
      if (message === null) return null
      if (message.t !== 'hello') throw new Fault('protocol', 'A link begins with a hello.')
      if (message.version !== wireVersion)
        throw new Fault('upgrade-needed', `This master speaks version ${wireVersion} of the link, the follower ${message.version}.`)
      return message
    } finally {
      cancel()
    }
  }

  async #admit(applicant: Applicant): Promise<void> {
    const { master, gate } = this.#context
    const standing = master.standing(applicant.node)
    if (standing === 'revoked') throw new Fault('revoked', 'The master has revoked this machine.')
    if (standing === 'enrolled') return
    const refusal = gate.allow(this.#wire.peerAddress)
    if (refusal) throw toFault(refusal)
    if (master.mustApprove) {
      await say(this.#wire, { t: 'wait' })
      await gate.approval(applicant, this.#wire.peerAddress, this.#jobs.signal)
    }
    await gate.enrol(applicant)
  }

  /** S59: our own signature is ahead of our log. The lost tail is taken back, after the usual verification. */
  async #recall(): Promise<void> {
    const { master } = this.#context
    const taken = { entries: 0, bytes: 0 }
    const acknowledge = (more: Amount) => {
      taken.entries += more.entries
      taken.bytes += more.bytes
      return say(this.#wire, { t: 'ack', ...taken })
    }
    await say(this.#wire, { t: 'recall', from: master.head.seq + 1 })
    const payloads: Uint8Array[] = []
    for (;;) {
      const message = await this.#hear()
      if (message?.t !== 'entries') throw new Fault('protocol', 'The lost entries did not come.')
      if (message.records.length === 0) break
      payloads.push(...message.records)
      if (taken.bytes > recallBytesMax) throw new Fault('too-many', 'The tail that this master lost is too long to take back.')
      await acknowledge(tally(message.records))
    }
    const lacking = await master.lacking(payloads)
    const collector = new Collector(master.blobs, lacking)
    try {
      for (let from = 0; from < lacking.length; from += needHashesMax)
        await say(this.#wire, { t: 'need', hashes: lacking.slice(from, from + needHashesMax).map(fromHash) })
      while (!collector.done) {
        const message = await this.#hear()
        if (message?.t === 'blob') {
          await collector.take(message.parts)
          await acknowledge({ entries: 0, bytes: message.parts.reduce((sum, part) => sum + part[2].length, 0) })
        } else if (message?.t === 'lack') collector.lack(message.hashes)
        else throw new Fault('protocol', 'File contents were asked for, and something else came.')
      }
      await collector.finish()
    } finally {
      await collector.abort()
    }
    const head = await master.takeBack(payloads)
    if (isRefusal(head)) throw toFault(head)
  }

  /** The next message that is part of the talk; null when the other side has left. */
  async #hear(): Promise<Up | null> {
    const message = await hear(this.#wire, up, this.#jobs.signal)
    if (message?.t === 'bye') throw farewell(message)
    return message
  }

  /** The rest of the talk: asks come in here, answers go out as jobs. */
  async #answer(follow: boolean): Promise<void> {
    let streaming = false
    for (let message = await this.#hear(); message !== null; message = await this.#hear()) {
      const ask = message
      if (ask.t === 'want' && !streaming) {
        streaming = true
        this.#jobs.start(this.#stream(ask.from, follow))
      } else if (ask.t === 'need') {
        this.#jobs.queue(() => deliver(this.#wire, this.#context.master.blobs, this.#credit, ask.hashes, this.#jobs.signal))
      } else if (ask.t === 'ack') {
        if (!this.#credit.acknowledge(ask)) throw new Fault('protocol', 'More was acknowledged than was sent.')
      } else throw new Fault('protocol', 'The follower sent a message that was not asked for.')
    }
  }

  /** Entries from `from` on (0: a base first), then the newest head; with `follow`, again after every change. */
  async #stream(from: number, follow: boolean): Promise<void> {
    const { master } = this.#context
    let next = from === 0 || from < (await master.log.oldest()) ? await this.#sendBase() : from
    for (;;) {
      const moved = master.moved.next(this.#jobs.signal)
      // Heard only at the end of this turn; an end of the link before that is no one's loss.
      moved.catch(() => undefined)
      if (next <= master.head.seq) next = await sendRecords(this.#wire, master.log, next, this.#credit, this.#jobs.signal)
      await say(this.#wire, { t: 'head', head: master.freshHead.bytes })
      if (!follow) return
      await moved
    }
  }

  async #sendBase(): Promise<number> {
    const { parts, head } = await this.#context.master.log.base()
    for (const [index, part] of parts.entries()) {
      await this.#credit.take({ entries: 0, bytes: part.length }, this.#jobs.signal)
      await say(this.#wire, { t: 'base', head: head.bytes, index, of: parts.length, part })
    }
    return head.seq + 1
  }
}
