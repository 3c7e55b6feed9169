/**
 * The simulated Wire: two ends in memory, and between them a line with seeded faults.
 * Always holds: without faults it does what a real wire does (`test/transport/link/suite.ts`); the same seed and
 * the same calls give the same faults. TLS lets no altered frame through on a real line: `flip`, `truncate`,
 * `repeat` and `reorder` stand for what a hostile peer sends.
 */
import type { Clock } from '../../engine/env/clock.ts'
import type { Wire, WireClose } from '../../engine/env/wire.ts'
import type { Code } from '../../schemas/code.ts'
import { assert } from '../../schemas/fault.ts'
import { creditBytes, frameBytesMax, pingEveryMs, pingMissedMax } from '../../schemas/limits.ts'
import { closeFault, closeStatus, closeText, readClose } from '../../transport/link/close.ts'
import { Random } from './random.ts'

/** Chances per frame, except `delayMs`: each frame takes up to that long, and none overtakes another. */
export type WireFaults = {
  /** The connection breaks instead of carrying the frame. */
  readonly drop?: number
  readonly delayMs?: number
  readonly flip?: number
  readonly truncate?: number
  readonly repeat?: number
  /** The frame comes after the next one. */
  readonly reorder?: number
}

export type SimLine = {
  readonly left: Wire
  readonly right: Wire
  /** What the line did to frames so far, for messages of failing tests. */
  readonly done: readonly string[]
  /** The cable is pulled and both sides notice at once: what is under way is lost. */
  cut(): void
  /** Packets vanish and nobody is told: both sides notice by missing pings. */
  partition(): void
}

export function simLine(options: {
  readonly seed: number
  readonly clock: Clock
  readonly faults?: WireFaults
  /** The raw node keys that the two sides prove; seeded bytes when not given. */
  readonly leftKey?: Uint8Array
  readonly rightKey?: Uint8Array
  readonly leftAddress?: string
  readonly rightAddress?: string
}): SimLine {
  const random = new Random(options.seed)
  const exporter = random.bytes(32)
  const keys = { left: options.leftKey ?? random.bytes(32), right: options.rightKey ?? random.bytes(32) }
  const done: string[] = []
  const line = { clock: options.clock, faults: options.faults ?? {}, done, exporter }
  const left = new SimWire(line, random.fork(), keys.right, options.rightAddress ?? '100.64.0.2')
  const right = new SimWire(line, random.fork(), keys.left, options.leftAddress ?? '100.64.0.1')
  left.join(right)
  right.join(left)
  const both = (each: (wire: SimWire) => void) => [left, right].forEach(each)
  return {
    left,
    right,
    done,
    cut: () => both((wire) => wire.down(readClose(1006, ''))),
    partition() {
      both((wire) => wire.deafen())
      options.clock.after((pingMissedMax + 1) * pingEveryMs, () =>
        both((wire) => wire.down({ code: 'timed-out', why: 'The other side has fallen silent.' })),
      )
    },
  }
}

type Line = {
  readonly clock: Clock
  readonly faults: WireFaults
  readonly done: string[]
  readonly exporter: Uint8Array
}

class SimWire implements Wire {
  readonly exporter: Uint8Array
  readonly peerKey: Uint8Array
  readonly peerAddress: string
  readonly closed: Promise<WireClose>

  readonly #line: Line
  readonly #random: Random
  #other: SimWire | null = null
  #settle: (end: WireClose) => void = () => {}
  #end: WireClose | null = null
  #deaf = false

  /** Arrived and unread. */
  #frames: Uint8Array[] = []
  #reader: ((frame: Uint8Array | null) => void) | null = null
  /** Sent by this side and not yet read by the other. */
  #outstandingBytes = 0
  #senders: (() => void)[] = []
  /** A frame that waits for the next one to overtake it. */
  #held: Uint8Array | null = null
  #lastDueMs = 0

  constructor(line: Line, random: Random, peerKey: Uint8Array, peerAddress: string) {
    this.#line = line
    this.#random = random
    this.exporter = line.exporter
    this.peerKey = peerKey
    this.peerAddress = peerAddress
    this.closed = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  join(other: SimWire): void {
    this.#other = other
  }

  async send(frame: Uint8Array): Promise<void> {
    assert(frame.length <= frameBytesMax, 'a frame is at most frameBytesMax')
    if (this.#end) throw closeFault(this.#end)
    this.#outstandingBytes += frame.length
    this.#carry(Uint8Array.from(frame))
    while (this.#outstandingBytes >= creditBytes) {
      await new Promise<void>((resolve) => this.#senders.push(resolve))
      if (this.#end) throw closeFault(this.#end)
    }
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | null> {
    assert(!this.#reader, 'a wire has one reader at a time')
    signal?.throwIfAborted()
    const frame = this.#frames.shift()
    if (frame) {
      this.#other?.credit(frame.length)
      return frame
    }
    if (this.#end) return null
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#reader = null
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', aborted, { once: true })
      this.#reader = (next) => {
        this.#reader = null
        signal?.removeEventListener('abort', aborted)
        if (next) this.#other?.credit(next.length)
        resolve(next)
      }
    })
  }

  welcome(): void {}

  close(code: Code | 'gone', why: string): void {
    if (this.#end) return
    this.#frames = []
    const other = this.#other
    const heard = readClose(closeStatus, closeText({ code, why }))
    this.#flush()
    this.#later(() => other?.down(heard))
    this.down({ code, why })
  }

  /** The connection is down on this side. */
  down(end: WireClose): void {
    if (this.#end) return
    this.#end = end
    for (const wake of this.#senders.splice(0)) wake()
    this.#reader?.(null)
    this.#settle(end)
  }

  deafen(): void {
    this.#deaf = true
  }

  credit(bytes: number): void {
    this.#outstandingBytes = Math.max(0, this.#outstandingBytes - bytes)
    if (this.#outstandingBytes < creditBytes) for (const wake of this.#senders.splice(0)) wake()
  }

  arrive(frame: Uint8Array): void {
    if (this.#end || this.#deaf) return
    if (this.#reader) this.#reader(frame)
    else this.#frames.push(frame)
  }

  /** Puts a frame on the line, where the faults are. */
  #carry(frame: Uint8Array): void {
    const { faults } = this.#line
    if (this.#hits('drop', faults.drop)) {
      this.#other?.down(readClose(1006, ''))
      this.down(readClose(1006, ''))
      return
    }
    let carried = frame
    if (carried.length > 0 && this.#hits('flip', faults.flip)) {
      const bit = this.#random.below(carried.length * 8)
      carried[bit >> 3] = (carried[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
    if (carried.length > 0 && this.#hits('truncate', faults.truncate))
      carried = carried.subarray(0, this.#random.below(carried.length))
    if (!this.#held && this.#hits('reorder', faults.reorder)) {
      this.#held = carried
      return
    }
    this.#put(carried)
    if (this.#hits('repeat', faults.repeat)) this.#put(Uint8Array.from(carried))
    this.#flush()
  }

  #flush(): void {
    const held = this.#held
    this.#held = null
    if (held) this.#put(held)
  }

  #put(frame: Uint8Array): void {
    this.#later(() => this.#other?.arrive(frame))
  }

  /** After the line's delay, and after all that was put on it before. */
  #later(call: () => void): void {
    const { clock, faults } = this.#line
    if (!faults.delayMs) {
      call()
      return
    }
    const nowMs = clock.monotonic()
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + this.#random.fraction() * faults.delayMs)
    clock.after(this.#lastDueMs - nowMs, call)
  }

  #hits(fault: keyof WireFaults, chance: number | undefined): boolean {
    if (!chance || !this.#random.chance(chance)) return false
    this.#line.done.push(fault)
    return true
  }
}
