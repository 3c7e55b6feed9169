/**
 * The real side of the Wire port: binary frames over one WebSocket.
 * Always holds: at most `unsentBytesMax` and one frame wait to be sent, at most `queuedBytesMax` and what one read
 * brings wait to be received; a peer that is silent, takes nothing, or breaks the rules is dropped with a code. Of a
 * stranger's no more than `strangerBytesMax` and one read is ever held.
 */
import type { Clock } from '../../engine/env/clock.ts'
import type { Wire, WireClose } from '../../engine/env/wire.ts'
import type { Code } from '../../schemas/code.ts'
import { assert } from '../../schemas/fault.ts'
import {
  controlFramesMax,
  frameBytesMax,
  lifeBytesMin,
  pingEveryMs,
  pingMissedMax,
  queuedBytesMax,
  queuedFramesMax,
  stallTimeoutMs,
  strangerBytesMax,
  unsentBytesMax,
} from '../../schemas/limits.ts'
import { plainAddress } from '../identity/address.ts'
import { errorCode } from '../identity/reach.ts'
import type { Channel } from '../identity/tls.ts'
import { closeFault, closeStatus, closeText, readClose } from './close.ts'
import type { WebSocket } from './socket.ts'

/** How often the other side is asked for a sign of life, and how many it may owe. */
export type Beat = { readonly everyMs: number; readonly missedMax: number }
const usualBeat: Beat = { everyMs: pingEveryMs, missedMax: pingMissedMax }

/** Of a ping or pong by a follower, without what it carries: two bytes, and the mask. */
const controlHeadBytes = 6

type Reader = { readonly give: (frame: Uint8Array | null) => void }

export class SocketWire implements Wire {
  readonly exporter: Uint8Array
  readonly peerKey: Uint8Array
  readonly peerAddress: string
  readonly closed: Promise<WireClose>

  readonly #socket: WebSocket
  /** What the socket reads from. */
  readonly #stream: Channel['socket']
  readonly #clock: Clock
  readonly #pulse: Beat
  /** Why this wire ended, from the moment it is known. */
  #end: WireClose | null = null

  #frames: Uint8Array[] = []
  #queuedBytes = 0
  #paused = false
  #reader: Reader | null = null

  #bufferedBytes = 0
  #progressMs = 0
  #senders: (() => void)[] = []

  #heard = false
  /** Something waited to be sent at the last beat: when it goes out, the other side takes it. */
  #waited = false
  #bytesBefore = 0
  #pinged = false
  #missed = 0
  #controlFrames = 0
  /** What a stranger has said, pings and pongs apart. */
  #strangerBytes = 0
  #stopBeat: () => void

  constructor(socket: WebSocket, channel: Channel, clock: Clock, beat: Beat = usualBeat) {
    this.#socket = socket
    this.#pulse = beat
    this.#clock = clock
    this.exporter = channel.exporter
    this.peerKey = channel.peerKey
    this.#stream = channel.socket
    this.peerAddress = plainAddress(channel.socket.remoteAddress ?? '')
    this.closed = new Promise((resolve) => {
      socket.once('close', (status, text) => resolve(this.#ended(status, text.toString())))
    })
    socket.on('message', (data, isBinary) => {
      if (!isBinary || !Buffer.isBuffer(data)) this.close('protocol', 'Text is not part of this protocol.')
      else this.#arrived(data)
    })
    socket.on('ping', (payload) => this.#asked(payload))
    socket.on('pong', (payload) => this.#control(payload))
    socket.on('error', (error) => this.#failed(error))
    this.#stopBeat = clock.after(beat.everyMs, () => this.#beat())
  }

  /** What comes is a stranger's, until `welcome`. */
  restrain(): void {
    this.#stream.on('data', this.#count)
  }

  welcome(): void {
    this.#stream.off('data', this.#count)
  }

  /** Runs when `ws` has had the piece, so that a whole ping in it is known for one. */
  readonly #count = (piece: Buffer): void => {
    this.#strangerBytes += piece.length
    if (this.#strangerBytes <= strangerBytesMax) return
    this.close('protocol', 'Nobody has so much to say before it is let in.')
    // Behind a close `ws` reads on for the answer to it, and keeps what comes of a frame that has begun.
    this.#socket.pause()
  }

  async send(frame: Uint8Array): Promise<void> {
    assert(frame.length <= frameBytesMax, 'a frame is at most frameBytesMax')
    if (this.#end) throw closeFault(this.#end)
    this.#socket.send(frame, this.#sending(frame.length))
    while (this.#bufferedBytes >= unsentBytesMax) {
      await new Promise<void>((resolve) => this.#senders.push(resolve))
      if (this.#end) throw closeFault(this.#end)
    }
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | null> {
    assert(!this.#reader, 'a wire has one reader at a time')
    signal?.throwIfAborted()
    const frame = this.#frames.shift()
    if (frame) {
      this.#queuedBytes -= frame.length
      this.#resume()
      return frame
    }
    if (this.#end) return null
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#reader = null
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', aborted, { once: true })
      this.#reader = {
        give: (next) => {
          this.#reader = null
          signal?.removeEventListener('abort', aborted)
          resolve(next)
        },
      }
    })
  }

  close(code: Code | 'gone', why: string): void {
    if (this.#end) return
    this.#finish({ code, why })
    this.#frames = []
    // The closing handshake has to be read; `ws` gives it `closeTimeoutMs`.
    this.#socket.resume()
    this.#socket.close(closeStatus, closeText({ code, why }))
  }

  /** Ends the wire so that nothing more reaches the other side, not even what was sent and still waits. */
  cut(code: Code, why: string): void {
    if (this.#end || this.#bufferedBytes > 0) this.#drop(code, why)
    else this.close(code, why)
  }

  /** Without a closing handshake: the other side would not, or should not, answer it. */
  #drop(code: Code, why: string): void {
    this.#finish({ code, why })
    this.#frames = []
    this.#socket.terminate()
  }

  #finish(end: WireClose): void {
    this.#end ??= end
    this.#stopBeat()
    for (const wake of this.#senders.splice(0)) wake()
    this.#reader?.give(null)
  }

  /** The connection is down. Frames that came whole before the other side's close stay to be read. */
  #ended(status: number, text: string): WireClose {
    const end = this.#end ?? readClose(status, text)
    this.#finish(end)
    return end
  }

  #failed(error: Error): void {
    const code = errorCode(error)
    if (!code.startsWith('WS_ERR_')) return
    // `ws` has already answered with a status of its own and reads no further.
    this.#finish({ code: 'protocol', why: `The other side sent a frame beyond the rules (${code}).` })
    this.#frames = []
  }

  #arrived(frame: Buffer): void {
    if (this.#end) return
    this.#heard = true
    if (this.#reader) {
      this.#reader.give(frame)
      return
    }
    this.#frames.push(frame)
    this.#queuedBytes += frame.length
    if (this.#paused || (this.#frames.length < queuedFramesMax && this.#queuedBytes < queuedBytesMax)) return
    this.#paused = true
    this.#socket.pause()
  }

  #resume(): void {
    if (
      !this.#paused ||
      this.#frames.length >= queuedFramesMax / 2 ||
      this.#queuedBytes >= queuedBytesMax / 2
    )
      return
    this.#paused = false
    this.#socket.resume()
  }

  /** Whatever is sent counts until the system has taken it, pings and pongs too: who reads nothing owes for them. */
  #sending(payload: number): () => void {
    // An empty one waits as well.
    const length = Math.max(1, payload)
    if (this.#bufferedBytes === 0) this.#progressMs = this.#clock.monotonic()
    this.#bufferedBytes += length
    return () => this.#sent(length)
  }

  #sent(length: number): void {
    this.#bufferedBytes -= length
    this.#progressMs = this.#clock.monotonic()
    // That the system takes something says nothing about the other side, unless it had no room before.
    if (this.#waited) this.#heard = true
    if (this.#bufferedBytes < unsentBytesMax) for (const wake of this.#senders.splice(0)) wake()
  }

  /** What waits to be sent is as good an answer: a peer that reads nothing gets no pongs piled up for it. */
  #asked(payload: Buffer): void {
    this.#control(payload)
    if (!this.#end && this.#bufferedBytes === 0)
      this.#socket.pong(payload, undefined, this.#sending(payload.length))
  }

  #control(payload: Buffer): void {
    this.#heard = true
    this.#strangerBytes -= controlHeadBytes + payload.length
    if (++this.#controlFrames > controlFramesMax && !this.#end)
      this.close('protocol', 'Too many pings and pongs.')
  }

  /** At every beat: is the other side there, does it take what is sent? */
  #beat(): void {
    const bytes = this.#stream.bytesRead
    // A large frame may be under way on a slow line. A trickle is none.
    const isUnderWay = bytes - this.#bytesBefore >= lifeBytesMin
    this.#bytesBefore = bytes
    // A side that does not read cannot hear: while paused, silence says nothing about the other.
    if (this.#heard || this.#paused || isUnderWay) this.#missed = 0
    else if (this.#pinged) this.#missed++
    const stalledMs = this.#bufferedBytes > 0 ? this.#clock.monotonic() - this.#progressMs : 0
    if (stalledMs >= stallTimeoutMs) {
      this.#drop('timed-out', 'The other side takes nothing any more.')
      return
    }
    if (this.#missed >= this.#pulse.missedMax) {
      this.#drop('timed-out', 'The other side has fallen silent.')
      return
    }
    this.#heard = false
    this.#waited = this.#bufferedBytes > 0
    this.#controlFrames = 0
    this.#pinged = true
    this.#socket.ping(undefined, undefined, this.#sending(0))
    this.#stopBeat = this.#clock.after(this.#pulse.everyMs, () => this.#beat())
  }
}
