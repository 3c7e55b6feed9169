/**
 * Days of a master and three followers that watch it, in simulated time: people edit, Codex writes, networks go, laptops
 * sleep, processes start anew, and the power fails in the middle of all of it.
 * Always holds, or it throws: what was published stays published, with its revision; a file of a follower is whole, and
 * one that the master had; what belongs to a follower stays. At the end, with everybody back, all are level.
 * The same seed plays the same days.
 */
import { assert } from '../../schemas/fault.ts'
import { contentOf } from '../kill/content.ts'
import { SimClock } from '../sim/clock.ts'
import { Random } from '../sim/random.ts'
import { Copy } from './copy.ts'
import { Original } from './original.ts'
import { names, type Tally, troubles } from './running.ts'

export const hourMs = 3_600_000
const followerCount = 3
/** The longest that a network is gone or a machine sleeps. */
const longestMs = 6 * hourMs

export class Hours {
  readonly clock = new SimClock()
  readonly tally: Tally = {
    edits: 0,
    published: 0,
    applied: 0,
    links: 0,
    struck: 0,
    troubles: Object.fromEntries(troubles.map((one) => [one, 0])) as Tally['troubles'],
  }
  readonly #random: Random
  readonly #original: Original
  readonly #copies: readonly Copy[]
  readonly #generations = new Map<string, number>()

  private constructor(seed: number) {
    this.#random = new Random(seed)
    this.#original = new Original(this.clock, seed, this.tally)
    this.#copies = Array.from(
      { length: followerCount },
      (_, index) => new Copy(this.clock, seed + 1 + index, this.#original, this.tally),
    )
  }

  static async begin(seed: number): Promise<Hours> {
    const hours = new Hours(seed)
    await hours.#original.init()
    for (const name of names) hours.#edit(name)
    await hours.#original.start()
    await hours.clock.advance(1_000)
    for (const copy of hours.#copies) await copy.start()
    await hours.clock.advance(60_000)
    return hours
  }

  /** An hour in which a few things happen, at moments of their own. */
  async hour(): Promise<void> {
    const random = this.#random
    const moments: { readonly atMs: number; readonly act: () => Promise<void> | void }[] = []
    const plan = (act: () => Promise<void> | void) => moments.push({ atMs: random.below(hourMs), act })
    for (let n = random.below(12); n > 0; n--) plan(() => this.#burst())
    for (const copy of this.#copies) {
      if (random.chance(0.4)) plan(() => copy.answer(random))
      if (random.chance(0.3)) plan(() => this.#trouble(copy))
    }
    if (random.chance(0.15)) plan(() => this.#masterTrouble())
    moments.sort((a, b) => a.atMs - b.atMs)
    let nowMs = 0
    for (const { atMs, act } of moments) {
      await this.clock.advance(atMs - nowMs)
      nowMs = atMs
      await act()
      // Whatever is under way is met in the middle by what comes next.
      if (random.chance(0.5)) await this.clock.advance(random.below(200))
    }
    await this.clock.advance(Math.max(0, hourMs - nowMs))
    for (const copy of this.#copies) copy.look(this.#generations)
  }

  /** Everybody is back; how long until all are level, in simulated time. */
  async end(): Promise<number> {
    await this.#original.start()
    for (const copy of this.#copies) {
      copy.online(true)
      await copy.start()
    }
    const beganMs = this.clock.monotonic()
    const patienceMs = hourMs
    while (!this.#isLevel()) {
      if (this.clock.monotonic() - beganMs > patienceMs)
        throw new Error(
          `an hour after the last trouble not all are level: ${this.#copies.map((copy) => copy.told)}`,
        )
      await this.clock.advance(500)
    }
    for (const copy of this.#copies) await copy.mustEqual(this.#original)
    const tookMs = this.clock.monotonic() - beganMs
    for (const copy of this.#copies) await copy.stop()
    await this.#original.stop()
    // What is still on the lines arrives, and the last networks come back.
    await this.clock.advance(longestMs + 1_000)
    assert(this.clock.waiting === 0, `nothing is left behind: ${this.clock.waiting} timers`)
    return tookMs
  }

  #isLevel(): boolean {
    return this.#original.isQuiet && this.#copies.every((copy) => copy.appliedSeq === this.#original.seq)
  }

  /** One or several saves within moments, as editors and `git checkout` make them. */
  async #burst(): Promise<void> {
    for (let n = 1 + this.#random.below(5); n > 0; n--) {
      this.#edit(names[this.#random.below(names.length)] ?? 'AGENTS.md')
      if (this.#random.chance(0.5)) await this.clock.advance(this.#random.below(60))
    }
  }

  #edit(name: string): void {
    this.tally.edits++
    const generation = (this.#generations.get(name) ?? 0) + 1
    this.#generations.set(name, generation)
    this.#original.save(name, contentOf(name, generation, this.#random.below(5_000)))
  }

  async #trouble(copy: Copy): Promise<void> {
    const random = this.#random
    const awayMs = Math.floor(Math.exp(random.fraction() * Math.log(longestMs)))
    switch (random.below(4)) {
      case 0:
        this.tally.troubles['network lost']++
        copy.online(false)
        this.clock.after(awayMs, () => copy.online(true))
        return
      case 1:
        this.tally.troubles.sleep++
        copy.online(false)
        this.clock.after(awayMs, () => {
          copy.online(true)
          copy.wake()
        })
        return
      case 2:
        this.tally.troubles['follower restart']++
        await copy.stop()
        return copy.start()
      default:
        this.tally.troubles['follower power cut']++
        copy.strike(random)
        await this.#burst()
        await this.clock.advance(2_000)
        this.tally.struck += await copy.powerCut(random.below(1_000_000))
        return copy.start()
    }
  }

  async #masterTrouble(): Promise<void> {
    const isCut = this.#random.chance(0.5)
    this.tally.troubles[isCut ? 'master power cut' : 'master restart']++
    if (isCut) {
      this.#original.strike(this.#random)
      await this.#burst()
      await this.clock.advance(2_000)
      this.tally.struck += await this.#original.powerCut(this.#random.below(1_000_000))
    } else await this.#original.stop()
    await this.clock.advance(this.#random.below(10 * 60_000))
    await this.#original.start()
  }
}
