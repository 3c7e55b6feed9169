/** The machine whose home is the original: it publishes what is saved, and serves who comes, as `master serve` does. */
import { Publisher } from '../../engine/canon/publisher.ts'
import { toHash } from '../../engine/crypto/hash.ts'
import { repeat } from '../../engine/env/repeat.ts'
import type { Master } from '../../engine/master.ts'
import { assert, Fault } from '../../schemas/fault.ts'
import { idleHeadEveryMs } from '../../schemas/limits.ts'
import { Gate } from '../../transport/link/gate.ts'
import { host } from '../../transport/link/host.ts'
import { at, initMaster, look, openMaster, type Ports } from '../engine/machines.ts'
import type { SimClock } from '../sim/clock.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import type { Random } from '../sim/random.ts'
import type { SimLine } from '../sim/wire.ts'
import { Running, strikeCalls, type Tally } from './running.ts'

export class Original {
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
    this.#running?.publisher.hint(at(name))
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
