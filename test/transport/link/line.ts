/**
 * The master's end of a wire over a stream in memory: every byte in and out is the test's, and what nobody takes is
 * not taken by a system either.
 * Always holds: what is pushed has been read when `push` returns.
 */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../../engine/env/clock.ts'
import { acceptSocket } from '../../../transport/link/socket.ts'
import { SocketWire } from '../../../transport/link/wire.ts'

const request = Object.assign(new IncomingMessage(new Socket()), {
  method: 'GET',
  url: '/link/v1',
  headers: {
    upgrade: 'websocket',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-version': '13',
  },
})

export class Line extends Duplex {
  readonly wire: SocketWire
  readonly remoteAddress = '127.0.0.1'
  /** Bytes that came in, as a socket counts them. */
  bytesRead = 0
  /** What was taken out: nothing behind the answer to the upgrade when the other side is deaf. */
  readonly taken: Buffer[] = []
  readonly #isDeaf: boolean
  #isOpen = false

  constructor(clock: Clock, { isDeaf = false } = {}) {
    super({ highWaterMark: 1024 * 1024 })
    this.#isDeaf = isDeaf
    let wire: SocketWire | null = null
    // Of a channel's socket a wire asks where it leads and what came in, which this has as well.
    const socket: TLSSocket = Object.create(this)
    const channel = {
      socket,
      peerKey: Buffer.alloc(32, 1),
      exporter: Buffer.alloc(32, 2),
    }
    acceptSocket(request, this, Buffer.alloc(0), (opened) => {
      wire = new SocketWire(opened, channel, clock)
    })
    if (!wire) throw new Error('the upgrade is answered at once')
    this.wire = wire
    this.#isOpen = true
  }

  /** Bytes that wait for the other side to take them. */
  get waiting(): number {
    return this.writableLength
  }

  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#isOpen && this.#isDeaf) return
    this.taken.push(chunk)
    done()
  }

  /** The other side sends this. */
  arrive(bytes: Uint8Array): void {
    this.bytesRead += bytes.length
    if (!this.destroyed) this.push(bytes)
  }
}
