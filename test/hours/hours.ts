/**
 * Days of a master and three followers that watch it, in simulated time: people edit, Codex writes, networks go, laptops
 * sleep, processes start anew, and the power fails in the middle of all of it.
 * Always holds, or it throws: what was published stays published, with its revision; a file of a follower is whole, and
 * one that the master had; what belongs to a follower stays. At the end, with everybody back, all are level.
 * The same seed plays the same days.
 */

import { Publisher } from '../../engine/canon/publisher.ts'
import { toHash } from '../../engine/crypto/hash.ts'
import { Bell } from '../../engine/env/bell.ts'
import { repeat } from '../../engine/env/repeat.ts'
import type { Follower } from '../../engine/follower.ts'
import type { Master } from '../../engine/master.ts'
import { assert, Fault } from '../../schemas/fault.ts'
import { idleHeadEveryMs, watchDialMs } from '../../schemas/limits.ts'
import { Gate } from '../../transport/link/gate.ts'
import { host } from '../../transport/link/host.ts'
import { follow } from '../../transport/link/pull.ts'
import { stay } from '../../transport/link/stay.ts'
import { at, initMaster, keeperOf, look, openFollower, openMaster, type Ports } from '../engine/machines.ts'
import { contentOf, generationOf } from '../kill/content.ts'
import { SimClock } from '../sim/clock.ts'
import { PowerCut, SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import { Random } from '../sim/random.ts'
import { type SimLine, simLine } from '../sim/wire.ts'

export const hourMs = 3_600_000
const followerCount = 3
/** The longest that a network is gone or a machine sleeps. */
const longestMs = 6 * hourMs
/** An edit costs a machine about so many calls of its disk. */
const strikeCalls = 80

/** What happened, for those who want to know how hard it was. */
export type Tally = {
  edits: number
  published: number
  applied: number
  links: number
  /** Power cuts that came in the middle of work. */
  struck: number
  readonly troubles: Record<Trouble, number>
}
const troubles = [
  'network lost',
  'sleep',
  'master restart',
  'master power cut',
  'follower restart',
  'follower power cut',
] as const
type Trouble = (typeof troubles)[number]

const names = [
  'AGENTS.md',
  'rules/a.md',
  'rules/b.md',
  'prompts/p.md',
  'skills/one/SKILL.md',
  'skills/two/SKILL.md',
]

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

/** A process of one machine: ends when it is told to, when the power goes, and never by itself. */
class Running {
  readonly #end = new AbortController()
  readonly #works: Promise<unknown>[] = []
  /** The power went while it was at work. */
  wasStruck = false

  get signal(): AbortSignal {
    return this.#end.signal
  }

  start(work: Promise<unknown>): void {
    const reported = work.catch((error: unknown) => {
      if (error instanceof PowerCut) this.wasStruck ||= !this.signal.aborted
      else if (!this.signal.aborted || error !== this.signal.reason) throw error
    })
    this.#works.push(reported)
    // Thrown where it is awaited.
    reported.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#end.abort(new Fault('interrupted', 'The process ends.'))
    await Promise.all(this.#works)
  }
}

/** The machine whose home is the original. */
class Original {
  readonly clock: SimClock
  readonly #tally: Tally
  readonly #ports: Ports
  #disk: SimDisk
  #running:
    | (Running & { readonly master: Master; readonly gate: Gate; readonly publisher: Publisher })
    | null = null
  readonly #lines = new Set<SimLine>()
  /** What was published, as it was said. */
  readonly #heads = new Map<number, string>()
  #saves = 0
  #seen = 0

  constructor(clock: SimClock, seed: number, tally: Tally) {
    this.clock = clock
    this.#tally = tally
    this.#ports = { clock, ids: new SimIds(seed) }
    this.#disk = new SimDisk({ seed, now: () => clock.now() })
  }

  async init(): Promise<void> {
    await (await initMaster(this.#disk, this.#ports)).close()
  }

  get isOn(): boolean {
    return this.#running !== null
  }
  get seq(): number {
    return this.#running?.master.head.seq ?? -1
  }
  get key(): Uint8Array {
    assert(this.#running, 'the master is on')
    return this.#running.master.keys.node.public
  }
  get pin() {
    assert(this.#running, 'the master is on')
    return this.#running.master.fingerprint
  }
  /** Everything that was saved has been looked at. */
  get isQuiet(): boolean {
    return this.isOn && this.#seen === this.#saves
  }

  save(name: string, content: string): void {
    this.#saves++
    this.#disk.plantFile(at(name), content, 0o600)
    this.#running?.publisher.hint()
  }

  text(name: string): string | null {
    return this.#disk.peek(at(name))?.toString() ?? null
  }

  async start(): Promise<void> {
    if (this.#running) return
    const disk = this.#disk
    const master = await openMaster(disk, this.#ports)
    const { seq, revision } = master.head
    const newest = Math.max(0, ...this.#heads.keys())
    assert(seq >= newest, `entry ${newest} was published, and the log ends at ${seq}`)
    const known = this.#heads.get(seq)
    assert(
      known === undefined || known === toHash(revision),
      `entry ${seq} is another one than was published`,
    )
    const running = new Running()
    const publisher = new Publisher({
      clock: this.clock,
      signal: running.signal,
      look: async () => {
        const saves = this.#saves
        const { entries } = await look(disk, this.#ports, master)
        this.#seen = saves
        this.#heads.set(master.head.seq, toHash(master.head.revision))
        if (entries > 0) this.#tally.published++
        return false
      },
      onFault: (fault) => {
        throw fault
      },
    })
    running.start(publisher.run())
    const idle = repeat(
      this.clock,
      idleHeadEveryMs,
      async () => master.freshen(),
      (error) => {
        throw error
      },
    )
    running.signal.addEventListener('abort', () => void idle.stop())
    this.#running = Object.assign(running, { master, gate: new Gate(master, this.clock), publisher })
  }

  /** The master's end of a line, until it ends. */
  accept(line: SimLine): void {
    const running = this.#running
    assert(running, 'the master is on')
    this.#lines.add(line)
    const { master, gate } = running
    const context = {
      master,
      gate,
      clock: this.clock,
      joined: () => undefined,
      alone: <T>(work: () => Promise<T>) => work(),
    }
    const hosted = host(line.right, context, running.signal).catch((error: unknown) => {
      // What goes wrong on a link costs that link alone.
      if (!(error instanceof Fault)) throw error
    })
    running.start(hosted.finally(() => this.#lines.delete(line)))
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (!running) return
    this.#running = null
    await running.stop()
    await running.master.close()
  }

  /** The power goes at one of the next calls of the disk. */
  strike(random: Random): void {
    this.#disk.failAt(
      this.#disk.calls + 1 + random.below(strikeCalls),
      random.chance(0.3) ? 'torn' : 'crash-after',
    )
  }

  /** At the latest now. @returns 1 when it had gone already. */
  async powerCut(seed: number): Promise<number> {
    const running = this.#running
    if (!running) return 0
    this.#running = null
    for (const line of this.#lines) line.partition()
    this.#disk.cutPower()
    await running.stop()
    this.#disk = this.#disk.reboot(seed)
    return running.wasStruck ? 1 : 0
  }
}

/** A machine that watches. */
class Copy {
  readonly #clock: SimClock
  readonly #original: Original
  readonly #tally: Tally
  readonly #ports: Ports
  readonly #random: Random
  #disk: SimDisk
  #running: Running | null = null
  #follower: Follower | null = null
  #line: SimLine | null = null
  #drop: (why: Fault) => void = () => {}
  readonly #changes = new Bell()
  #isOnline = true
  /** Folders that its user trusts: what Codex writes into config.toml. */
  readonly #trusted: string[] = []
  appliedSeq = 0
  told = ''

  constructor(clock: SimClock, seed: number, original: Original, tally: Tally) {
    this.#clock = clock
    this.#original = original
    this.#tally = tally
    this.#ports = { clock, ids: new SimIds(seed) }
    this.#random = new Random(seed)
    this.#disk = new SimDisk({ seed, now: () => clock.now() })
    this.#disk.plantFile(at('notes.md'), 'of this machine')
  }

  async start(): Promise<void> {
    if (this.#running) return
    const disk = this.#disk
    const running = new Running()
    const follower = await openFollower(disk, this.#ports)
    const keeper = keeperOf(disk, this.#ports, follower)
    await keeper.recover()
    this.#running = running
    this.#follower = follower
    const again = new Fault('interrupted', 'Once more.')
    const context = {
      clock: this.#clock,
      fraction: () => this.#random.fraction(),
      again,
      lost: async () => undefined,
      changes: this.#changes,
      visit: async (reached: () => void): Promise<unknown> => {
        try {
          await this.#visit(follower, running.signal, async () => {
            reached()
            const { faults, conflicts } = await keeper.apply()
            if (faults.length + conflicts.length > 0)
              throw new Error(`what was applied: ${JSON.stringify({ faults, conflicts })}`)
            this.appliedSeq = follower.head?.seq ?? 0
            this.#tally.applied++
          })
          return new Fault('unreachable', 'The link ended.')
        } catch (error) {
          this.told = String(error)
          return error
        }
      },
    }
    running.start(stay(context, running.signal))
  }

  async #visit(follower: Follower, signal: AbortSignal, apply: () => Promise<void>): Promise<void> {
    if (!this.#isOnline) {
      await this.#clock.wait(watchDialMs, signal)
      throw new Fault('timed-out', 'Nobody answers.')
    }
    if (!this.#original.isOn) throw new Fault('unreachable', 'Nobody listens.')
    this.#tally.links++
    const line = simLine({
      seed: this.#random.below(1_000_000),
      clock: this.#clock,
      faults: { delayMs: 40 },
      leftKey: follower.keys.node.public,
      rightKey: this.#original.key,
    })
    const dropped = new AbortController()
    this.#line = line
    this.#drop = (why) => dropped.abort(why)
    this.#original.accept(line)
    let seen = -1
    const context = {
      follower,
      clock: this.#clock,
      pin: this.#original.pin,
      name: 'laptop',
      platform: 'linux' as const,
      waiting: () => undefined,
      greeted: () => Promise.resolve(),
      level: async () => {
        const seq = follower.head?.seq ?? 0
        if (seq === seen) return
        await apply()
        seen = seq
      },
    }
    await follow(line.left, context, AbortSignal.any([signal, dropped.signal])).finally(() => {
      this.#line = null
    })
  }

  /** The network goes without a word, or is there again. */
  online(isOnline: boolean): void {
    this.#isOnline = isOnline
    if (!isOnline) this.#line?.partition()
  }

  /** As `watchSurroundings` tells it. */
  wake(): void {
    this.#drop(new Fault('unreachable', 'This machine slept.'))
    this.#changes.ring()
  }

  /** Codex asks its user whether a folder is to be trusted, and writes that down. */
  answer(random: Random): void {
    const folder = `/srv/${random.below(1_000_000)}`
    this.#trusted.push(folder)
    const text = this.#disk.peek(at('config.toml'))?.toString() ?? ''
    this.#disk.plantFile(
      at('config.toml'),
      `${text}\n[projects."${folder}"]\ntrust_level = "trusted"\n`,
      0o600,
    )
  }

  /** Whole files, each one that the master had, and what is its own. */
  look(generations: ReadonlyMap<string, number>): void {
    for (const name of names) {
      const text = this.#disk.peek(at(name))?.toString()
      if (text !== undefined && generationOf(name, text) > (generations.get(name) ?? 0))
        throw new Error(`${name} is newer than the master's`)
    }
    if (this.#disk.peek(at('notes.md'))?.toString() !== 'of this machine') throw new Error('notes.md changed')
    const config = this.#disk.peek(at('config.toml'))?.toString() ?? ''
    for (const folder of this.#trusted)
      if (!config.includes(`[projects."${folder}"]`)) throw new Error(`the trust in ${folder} is lost`)
  }

  async mustEqual(original: Original): Promise<void> {
    for (const name of names) {
      const [here, there] = [this.#disk.peek(at(name))?.toString() ?? null, original.text(name)]
      if (here !== there) throw new Error(`${name} differs: ${here?.slice(0, 60)} / ${there?.slice(0, 60)}`)
    }
    const head = this.#follower?.head
    assert(head?.seq === original.seq, 'it stands where the master stands')
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (!running) return
    this.#running = null
    await running.stop()
    await this.#follower?.close()
  }

  strike(random: Random): void {
    this.#disk.failAt(
      this.#disk.calls + 1 + random.below(strikeCalls),
      random.chance(0.3) ? 'torn' : 'crash-after',
    )
  }

  async powerCut(seed: number): Promise<number> {
    const running = this.#running
    if (!running) return 0
    this.#running = null
    this.#line?.partition()
    this.#disk.cutPower()
    await running.stop()
    this.#disk = this.#disk.reboot(seed)
    return running.wasStruck ? 1 : 0
  }
}
