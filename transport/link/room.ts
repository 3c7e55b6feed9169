/**
 * The room behind the door: who may have a connection, and who has to go for another.
 * Always holds: strangers (all whose other end is not known to be an enrolled follower) and members have rooms of
 * their own, so that no flood of the first takes a place of the second. When the room of strangers is full a newcomer
 * takes the place of the oldest from the source that has most, so that whoever comes alone stays while a crowd goes.
 */
import { type Refusal, refuse } from '../../schemas/fault.ts'
import {
  membersMax,
  membersPerAddressMax,
  membersPerNodeMax,
  strangerIdleMs,
  strangersMax,
  strangersPerAddressMax,
} from '../../schemas/limits.ts'

export type Place = {
  /** What strangers are counted by (`sourceOf`). */
  readonly source: string
  readonly age: number
  readonly cameMs: number
  /** Ends the connection, to make room. */
  readonly leave: (why: Refusal) => void
  /** The node that was proved, once the connection is a link. */
  node: Uint8Array | null
  isMember: boolean
}

export class Room {
  readonly #isEnrolled: (node: Uint8Array) => boolean
  readonly #nowMs: () => number
  readonly #sources = new Map<string, Set<Place>>()
  #age = 0
  #strangers = 0
  #members = 0

  /** @param nowMs of a clock that never goes back. */
  constructor(isEnrolled: (node: Uint8Array) => boolean, nowMs: () => number) {
    this.#isEnrolled = isEnrolled
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#strangers + this.#members
  }

  /** A place for a connection that has just come. */
  enter(source: string, leave: (why: Refusal) => void): Place | Refusal {
    const here = this.#sources.get(source) ?? new Set()
    const strangers = strangersOf(here).filter((place) => !this.#promote(place))
    const why = refuse('too-many', `Too many connections, ${here.size} from this address.`)
    if (strangers.length >= strangersPerAddressMax) {
      // One that says nothing goes for whoever comes from the same place. Many that came at this very moment do not.
      const oldest = strangers.find((place) => place.node === null)
      if (!oldest || this.#nowMs() - oldest.cameMs < strangerIdleMs) return why
      this.left(oldest)
      oldest.leave(why)
    }
    if (this.#strangers >= strangersMax) this.#makeRoom()
    const cameMs = this.#nowMs()
    const place: Place = { source, age: this.#age++, cameMs, leave, node: null, isMember: false }
    this.#sources.set(source, here.add(place))
    this.#strangers++
    return place
  }

  /** The connection becomes a link of this node; a refusal when it may not. */
  settle(place: Place, node: Uint8Array): Refusal | null {
    // It may have been sent away in this very moment.
    if (!this.#sources.get(place.source)?.has(place)) return refuse('too-many', 'Its place is taken.')
    place.node = node
    if (!this.#isEnrolled(node)) return null
    const fromThere = [...(this.#sources.get(place.source) ?? [])].filter((one) => one.isMember).length
    if (this.#members >= membersMax || fromThere >= membersPerAddressMax)
      return refuse('too-many', 'Too many links of followers.')
    this.#promote(place)
    const own = this.#places().filter((one) => one.isMember && one.node && equal(one.node, node))
    const [oldest] = own.sort((a, b) => a.age - b.age)
    if (oldest && own.length > membersPerNodeMax)
      oldest.leave(refuse('too-many', 'This machine has begun other links since.'))
    return null
  }

  left(place: Place): void {
    const here = this.#sources.get(place.source)
    if (!here?.delete(place)) return
    if (here.size === 0) this.#sources.delete(place.source)
    if (place.isMember) this.#members--
    else this.#strangers--
  }

  /** A stranger may have been enrolled since it came. */
  #promote(place: Place): boolean {
    if (place.isMember || place.node === null || !this.#isEnrolled(place.node)) return place.isMember
    place.isMember = true
    this.#strangers--
    this.#members++
    return true
  }

  #makeRoom(): void {
    while (this.#strangers >= strangersMax) {
      const crowd = this.#crowd()
      const [oldest] = crowd
      if (!oldest) return
      // Who was enrolled is looked up here alone: a flood must not cost a look at everybody.
      if (crowd.filter((place) => this.#promote(place)).length > 0) continue
      this.left(oldest)
      oldest.leave(refuse('too-many', `Too many strangers at once, ${crowd.length} from this address.`))
    }
  }

  /** The strangers of the source that has most, and of those the one that has been longest. */
  #crowd(): Place[] {
    let crowd: Place[] = []
    for (const here of this.#sources.values()) {
      const strangers = strangersOf(here)
      const older = (strangers[0]?.age ?? 0) < (crowd[0]?.age ?? 0)
      if (strangers.length > crowd.length || (strangers.length === crowd.length && older)) crowd = strangers
    }
    return crowd
  }

  #places(): Place[] {
    return [...this.#sources.values()].flatMap((here) => [...here])
  }
}

/** In the order in which they came. */
const strangersOf = (here: ReadonlySet<Place>): Place[] => [...here].filter((place) => !place.isMember)
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
