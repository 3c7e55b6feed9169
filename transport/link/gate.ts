/**
 * The gate of a master: unknown machines that ask to be let in.
 * Always holds: what strangers can cause is bounded (waiting applicants in all and per address, enrolments per
 * address and hour, addresses remembered); an applicant that a person approved is enrolled once; one enrolment
 * that fails holds up no other; nothing here is remembered over a restart.
 */
import { fingerprint } from '../../engine/crypto/ed25519.ts'
import type { Clock } from '../../engine/env/clock.ts'
import type { Applicant, Master } from '../../engine/master.ts'
import { type Refusal, refuse, toFault } from '../../schemas/fault.ts'
import {
  enrolmentAddressesMax,
  enrolmentsPerAddressHourMax,
  pendingMax,
  pendingPerAddressMax,
} from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import { sourceOf } from '../identity/peer.ts'

const hourMs = 3_600_000
export type Pending = {
  readonly id: Hash
  readonly name: string
  readonly platform: string
  readonly address: string
}
type Waiting = Pending & { links: number; approved: boolean }

export class Gate {
  readonly #master: Master
  readonly #clock: Clock
  readonly #waiting = new Map<Hash, Waiting>()
  /** When each address enrolled a machine without anybody's approval, within the last hour. */
  readonly #enrolments = new Map<string, readonly number[]>()
  #turn: Promise<void> = Promise.resolve()

  constructor(master: Master, clock: Clock) {
    this.#master = master
    this.#clock = clock
  }

  pending(): readonly Pending[] {
    return [...this.#waiting.values()].map(({ id, name, platform, address }) => ({
      id,
      name,
      platform,
      address,
    }))
  }

  /** Waits until a person approves, or enrolment is opened to all. Rejects when the signal ends it. */
  async approval(applicant: Applicant, address: string, signal: AbortSignal): Promise<void> {
    const id = fingerprint(applicant.node)
    const row = this.#waiting.get(id) ?? this.#add(id, applicant, address)
    row.links++
    try {
      while (!row.approved && this.#master.mustApprove) await this.#master.moved.next(signal)
    } finally {
      if (--row.links === 0) this.#waiting.delete(id)
    }
  }

  /** A person approves one that waits; false when nobody of that id does. */
  approve(id: Hash): boolean {
    const row = this.#waiting.get(id)
    if (!row) return false
    row.approved = true
    this.#master.moved.ring()
    return true
  }

  /** Enrols an applicant that was let in. Two links of one machine enrol it once. */
  enrol(applicant: Applicant, address: string, approved: boolean): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.#master.standing(applicant.node) !== 'unknown') return
      const refusal = approved ? null : this.#count(address)
      if (refusal) throw toFault(refusal)
      await this.#master.enrol(applicant)
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** One more enrolment from there, unless there were too many. */
  #count(address: string): Refusal | null {
    const source = sourceOf(address)
    const now = this.#clock.monotonic()
    for (const [from, times] of this.#enrolments) {
      const recent = times.filter((time) => now - time < hourMs)
      if (recent.length === 0) this.#enrolments.delete(from)
      else this.#enrolments.set(from, recent)
    }
    const times = this.#enrolments.get(source) ?? []
    if (times.length >= enrolmentsPerAddressHourMax)
      return refuse('too-many', 'This address has enrolled too many machines in the last hour.')
    if (times.length === 0 && this.#enrolments.size >= enrolmentAddressesMax)
      return refuse('too-many', 'Too many machines have enrolled at this master in the last hour.')
    this.#enrolments.set(source, [...times, now])
    return null
  }

  #add(id: Hash, applicant: Applicant, address: string): Waiting {
    const source = sourceOf(address)
    const fromThere = [...this.#waiting.values()].filter((row) => sourceOf(row.address) === source).length
    if (this.#waiting.size >= pendingMax || fromThere >= pendingPerAddressMax)
      throw toFault(refuse('too-many', 'Too many machines wait for approval at this master already.'))
    const { name, platform } = applicant
    const row = { id, name, platform, address, links: 0, approved: false }
    this.#waiting.set(id, row)
    return row
  }
}
