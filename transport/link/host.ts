/**
 * The master's side of one link: judges who asks, proves itself, then answers what is wanted until it ends.
 * Always holds: nothing of the log leaves before the other end is an enrolled follower, nor after it was revoked;
 * what the other end sends can only ask. The order of messages is in README.md.
 */
import type { Wire } from '../../engine/env/wire.ts'
import type { Applicant } from '../../engine/master.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { helloTimeoutMs, stallTimeoutMs } from '../../schemas/limits.ts'
import { type Up, up, wireVersion } from '../../schemas/wire/index.ts'
import { Credit } from './credit.ts'
import { Deliveries } from './deliver.ts'
import type { Gate } from './gate.ts'
import { besides, converse, type Jobs } from './jobs.ts'
import { type RecallContext, recall } from './recall.ts'
import { sendRecords } from './records.ts'
import { farewell, hear, say } from './talk.ts'
import { within } from './within.ts'

export type HostContext = RecallContext & {
  readonly gate: Gate
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
  readonly #deliveries: Deliveries

  constructor(wire: Wire, context: HostContext, jobs: Jobs) {
    this.#wire = wire
    this.#context = context
    this.#jobs = jobs
    this.#credit = new Credit(context.clock)
    this.#deliveries = new Deliveries(wire, context.master.blobs, this.#credit, jobs)
  }

  async run(): Promise<void> {
    const { master, clock, joined } = this.#context
    const hello = await this.#hello()
    if (!hello) return
    const applicant = {
      node: Buffer.from(this.#wire.peerKey),
      seal: Buffer.from(hello.seal),
      name: hello.name,
      platform: hello.platform,
    }
    this.#mustStand(applicant)
    // Before the enrolment, which may be among what was lost and would be one more entry in its place (S59).
    let broken = await this.#recall(hello.head)
    if (!broken) {
      await this.#admit(applicant)
      const relation = await master.relate(hello.head)
      broken = isRefusal(relation) ? toFault(relation) : null
    }
    if (broken && (broken.code !== 'fork' || master.standing(applicant.node) !== 'enrolled')) throw broken
    this.#wire.welcome()
    this.#jobs.start(this.#watchStanding(applicant))
    const head = master.freshHead
    await say(this.#wire, {
      t: 'hello',
      version: wireVersion,
      keys: [...master.state.maps.keys.rows().values()],
      head: head.bytes,
      proof: master.prove(head, this.#wire.exporter),
    })
    if (broken) {
      // A fork is shown, not only told: the follower judges for itself, and keeps evidence of its own.
      const patience = { clock, timeoutMs: stallTimeoutMs, why: broken.message }
      const shown = within(patience, this.#jobs.signal, (signal) =>
        this.#answer(applicant, hello.follow, signal),
      )
      // However the follower takes it, the finding stands.
      await Promise.allSettled([shown])
      throw broken
    }
    joined(hello.name)
    await this.#answer(applicant, hello.follow, this.#jobs.signal)
  }

  /** Takes back what this follower has and we lost; the fault when that turns out to be another history. */
  async #recall(head: Uint8Array | null): Promise<Fault | null> {
    const talk = { wire: this.#wire, hear: (signal: AbortSignal) => this.#hear(signal) }
    try {
      await besides(this.#wire, this.#jobs.signal, (signal) => recall(talk, this.#context, head, signal))
      return null
    } catch (error) {
      if (error instanceof Fault && error.code === 'fork' && this.#context.master.forked) return error
      throw error
    }
  }

  async #hello(): Promise<Extract<Up, { t: 'hello' }> | null> {
    const { clock } = this.#context
    const patience = { clock, timeoutMs: helloTimeoutMs, why: 'No hello came in time.' }
    const message = await within(patience, this.#jobs.signal, (signal) => hear(this.#wire, up, signal))
    if (message === null) return null
    if (message.t !== 'hello') throw new Fault('protocol', 'A link begins with a hello.')
    if (message.version !== wireVersion)
      throw new Fault(
        'upgrade-needed',
        `This master speaks version ${wireVersion} of the link, the follower ${message.version}.`,
      )
    return message
  }

  #mustStand({ node }: Applicant): void {
    if (this.#context.master.standing(node) === 'revoked')
      throw new Fault('revoked', 'The master has revoked this machine.')
  }

  async #admit(applicant: Applicant): Promise<void> {
    const { master, gate } = this.#context
    if (master.standing(applicant.node) === 'enrolled') return
    const { peerAddress } = this.#wire
    const { mustApprove } = master
    if (mustApprove) {
      await say(this.#wire, { t: 'wait' })
      await besides(this.#wire, this.#jobs.signal, (signal) => gate.approval(applicant, peerAddress, signal))
    }
    await gate.enrol(applicant, peerAddress, mustApprove)
    this.#mustStand(applicant)
  }

  /** Ends the link with the first fact that takes the follower its right to it (Q4). */
  async #watchStanding(applicant: Applicant): Promise<never> {
    for (;;) {
      this.#mustStand(applicant)
      await this.#context.master.moved.next(this.#jobs.signal)
    }
  }

  /** The next message that is part of the talk; null when the other side has left. */
  async #hear(signal: AbortSignal): Promise<Up | null> {
    const message = await hear(this.#wire, up, signal)
    if (message?.t === 'bye') throw farewell(message)
    return message
  }

  /** The rest of the talk: asks come in here, answers go out as jobs. */
  async #answer(applicant: Applicant, follow: boolean, signal: AbortSignal): Promise<void> {
    let streaming = false
    for (let ask = await this.#hear(signal); ask !== null; ask = await this.#hear(signal)) {
      if (ask.t === 'want' && !streaming) {
        streaming = true
        this.#jobs.start(this.#stream(applicant, ask.from, follow))
      } else if (ask.t === 'need') {
        this.#deliveries.take(ask.hashes)
      } else if (ask.t === 'ack') {
        if (!this.#credit.acknowledge(ask))
          throw new Fault('protocol', 'More was acknowledged than was sent.')
      } else throw new Fault('protocol', 'The follower sent a message that was not asked for.')
    }
  }

  /** Entries from `from` on (0: a base first), then the newest head; with `follow`, again after every change. */
  async #stream(applicant: Applicant, from: number, follow: boolean): Promise<void> {
    const { master } = this.#context
    const { signal } = this.#jobs
    let next = from
    // Before the look at what there is: a slow reader gets what it was promised, whatever is compacted meanwhile.
    const release = master.log.hold(() => next)
    try {
      if (from === 0 || from < (await master.log.oldest())) next = await this.#sendBase()
      let told: Buffer | null = null
      for (;;) {
        // Who fetches contents keeps what comes meanwhile in memory: what is new waits here instead.
        await this.#deliveries.settled()
        this.#mustStand(applicant)
        const head = master.freshHead
        if (next <= head.seq) next = await sendRecords(this.#wire, master.log, next, this.#credit, signal)
        else if (told?.equals(head.bytes)) await master.moved.next(signal)
        else {
          told = head.bytes
          await say(this.#wire, { t: 'head', head: head.bytes })
          if (!follow) return
        }
      }
    } finally {
      release()
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
