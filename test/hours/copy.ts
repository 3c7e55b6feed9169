/** A machine that watches, as `follower watch` does, with a user and a Codex of its own. */
import { Bell } from '../../engine/env/bell.ts'
import type { Follower } from '../../engine/follower.ts'
import { assert, Fault } from '../../schemas/fault.ts'
import { watchDialMs, watchRedialMs } from '../../schemas/limits.ts'
import { follow } from '../../transport/link/pull.ts'
import { stay } from '../../transport/link/stay.ts'
import { at, keeperOf, openFollower, type Ports } from '../engine/machines.ts'
import { generationOf } from '../kill/content.ts'
import type { SimClock } from '../sim/clock.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import { Random } from '../sim/random.ts'
import { type SimLine, simLine } from '../sim/wire.ts'
import type { Original } from './original.ts'
import { names, Running, strikeCalls, type Tally } from './running.ts'

const elsewhere = new Fault('unreachable', 'This machine slept.')

export class Copy {
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
      elsewhere,
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
    const dropped = new AbortController()
    this.#drop = (why) => dropped.abort(why)
    const bounds = AbortSignal.any([signal, dropped.signal])
    for (let spentMs = 0; !this.#isOnline; spentMs += watchRedialMs) {
      if (spentMs >= watchDialMs) throw new Fault('timed-out', 'Nobody answers.')
      await this.#clock.wait(watchRedialMs, bounds)
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
    this.#line = line
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
    await follow(line.left, context, bounds).finally(() => {
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
    this.#drop(elsewhere)
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
