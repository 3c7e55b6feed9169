/**
 * The master's door: from an accepted TCP socket over the peer rules, TLS and one HTTP request to a wire.
 * Always holds: who has a place is settled from the first packet on (`room.ts`); a peer that the rules refuse gets
 * one constant alert and no TLS; whoever has not become a wire within `handshakeTimeoutMs` is cut; a node that
 * `admit` refuses gets an empty 403 whatever it asked for, so that the answer tells nothing else (T3).
 */
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../engine/env/clock.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import {
  closeTimeoutMs,
  handshakeTimeoutMs,
  headerBytesMax,
  headersMax,
  turnAwayMs,
} from '../../schemas/limits.ts'
import { plainAddress } from '../identity/address.ts'
import type { NodeIdentity } from '../identity/cert.ts'
import { judge, type PeerRules, sourceOf } from '../identity/peer.ts'
import { type Channel, createTlsAcceptor } from '../identity/tls.ts'
import { headPath } from './peek.ts'
import { type Place, Room } from './room.ts'
import { acceptSocket, linkPath } from './socket.ts'
import { SocketWire } from './wire.ts'

export type DoorOptions = {
  readonly identity: NodeIdentity
  readonly rules: PeerRules
  readonly clock: Clock
  /** Whether the holder of this node key may have a link at all; asked before the upgrade. */
  readonly admit: (peerKey: Uint8Array, address: string) => Refusal | null
  /** Whether it is a follower already: those have room of their own. */
  readonly isEnrolled: (peerKey: Uint8Array) => boolean
  /** The newest signed head, for the one small question of the hook; null for who may not know it. */
  readonly head: (peerKey: Uint8Array) => Uint8Array | null
  readonly onWire: (wire: Wire) => void
  /** Told of whoever was turned away, for `status` and the log; the peer learns less. */
  readonly onRefused?: (refusal: Refusal, address: string) => void
}

/** A socket that was let in, and the time it has to become a wire or to leave. */
type Guest = {
  readonly socket: Socket
  readonly address: string
  readonly place: Place
  stopTimer: () => void
}

/**
 * A fatal TLS alert, access_denied (49), in a plain record: what a client expects to read first, and all that a
 * refused peer is told. It lets the other machine say "this address is not accepted" instead of "broken off".
 */
const accessDenied = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 49])

export class Door {
  readonly #options: DoorOptions
  readonly #guests = new Map<string, Guest>()
  readonly #room: Room
  readonly #channels = new WeakMap<Duplex, Channel>()
  readonly #wires = new Map<string, SocketWire>()
  readonly #http = createServer({ maxHeaderSize: headerBytesMax })
  readonly #toTls: (socket: Socket) => void
  #closing = false
  #emptied = () => {}

  constructor(options: DoorOptions) {
    this.#options = options
    this.#room = new Room(options.isEnrolled, () => options.clock.monotonic())
    this.#toTls = createTlsAcceptor(options.identity, (channel) => {
      this.#channels.set(channel.socket, channel)
      this.#http.emit('connection', channel.socket)
    })
    // Ours ask once. What else came with the first request is not answered.
    this.#http.maxRequestsPerSocket = 1
    // One more than is accepted: what is beyond, node drops without a word.
    this.#http.maxHeadersCount = headersMax + 1
    this.#http.on('request', (request, response) => {
      const status = this.#judge(request)
      const head = status === 101 && request.url === headPath ? this.#head(request) : null
      const answer = head ? 200 : status === 101 ? 426 : status
      response
        .writeHead(answer, { connection: 'close', 'content-length': head?.length ?? 0 })
        .end(head ?? undefined)
    })
    this.#http.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head))
  }

  get size(): number {
    return this.#guests.size
  }

  enter(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const { remoteAddress } = socket
    if (remoteAddress === undefined || this.#closing) {
      socket.destroy()
      return
    }
    const address = plainAddress(remoteAddress)
    const ends = endsOf(socket)
    const leave = (why: Refusal) => {
      this.#options.onRefused?.(why, address)
      const wire = this.#wires.get(ends)
      if (wire) wire.cut(why.refused, why.why)
      else socket.destroy()
    }
    const place = this.#room.enter(sourceOf(address), leave)
    if (isRefusal(place)) {
      this.#options.onRefused?.(place, address)
      socket.destroy()
      return
    }
    const guest: Guest = { socket, address, place, stopTimer: () => {} }
    this.#guests.set(ends, guest)
    socket.once('close', () => this.#left(ends, guest))
    const refusal = judge(this.#options.rules, socket.localAddress, remoteAddress)
    if (refusal) {
      this.#turnAway(guest, refusal)
      return
    }
    this.#limit(guest, handshakeTimeoutMs)
    this.#toTls(socket)
  }

  cut(peerKey: Uint8Array): number {
    const found = [...this.#wires.values()].filter((wire) => Buffer.from(wire.peerKey).equals(peerKey))
    for (const wire of found) wire.cut('revoked', 'The master revoked this machine.')
    return found.length
  }

  /** Resolves when the last socket is gone. */
  close(): Promise<void> {
    this.#closing = true
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    for (const [ends, guest] of this.#guests) {
      const wire = this.#wires.get(ends)
      // A wire says goodbye first; whoever is not one yet has nothing to lose.
      if (wire) this.#limit(guest, closeTimeoutMs)
      else guest.socket.destroy()
      wire?.close('gone', 'The master stops.')
    }
    if (this.#guests.size === 0) this.#emptied()
    return emptied
  }

  /** The status that a request deserves: 101 goes on to the upgrade. */
  #judge(request: IncomingMessage): number {
    const channel = this.#channels.get(request.socket)
    const address = plainAddress(request.socket.remoteAddress ?? '')
    const refusal = channel
      ? this.#options.admit(channel.peerKey, address)
      : refuse('protocol', 'No channel.')
    if (refusal) {
      this.#options.onRefused?.(refusal, address)
      return 403
    }
    // Browsers send it, stemma does not: no web page may speak to a master, whatever it got hold of (T18).
    if (request.headers.origin !== undefined) return 403
    if (request.rawHeaders.length > 2 * headersMax) return 431
    if (request.url !== linkPath && request.url !== headPath) return 404
    return request.method === 'GET' ? 101 : 405
  }

  #head(request: IncomingMessage): Uint8Array | null {
    const channel = this.#channels.get(request.socket)
    return channel ? this.#options.head(channel.peerKey) : null
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const judged = request.url === headPath ? 404 : this.#judge(request)
    const channel = this.#channels.get(stream)
    const guest = channel && this.#guests.get(endsOf(channel.socket))
    const status = judged === 101 && (!guest || !this.#mayStay(guest, channel.peerKey)) ? 503 : judged
    if (status !== 101 || !channel) {
      stream.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      )
      return
    }
    acceptSocket(request, stream, head, (socket) => {
      const ends = endsOf(channel.socket)
      this.#guests.get(ends)?.stopTimer()
      const wire = new SocketWire(socket, channel, this.#options.clock)
      wire.restrain()
      this.#wires.set(ends, wire)
      void wire.closed.then(() => this.#wires.delete(ends))
      this.#options.onWire(wire)
    })
  }

  #mayStay(guest: Guest, node: Uint8Array): boolean {
    if (this.#closing) return false
    const refusal = this.#room.settle(guest.place, node)
    if (refusal) this.#options.onRefused?.(refusal, guest.address)
    return refusal === null
  }

  #turnAway(guest: Guest, refusal: Refusal): void {
    this.#options.onRefused?.(refusal, guest.address)
    this.#limit(guest, turnAwayMs)
    // Read on until the peer hangs up: closing over unread bytes would reset the connection under the alert.
    guest.socket.resume()
    guest.socket.end(accessDenied)
  }

  #limit(guest: Guest, timeoutMs: number): void {
    guest.stopTimer()
    guest.stopTimer = this.#options.clock.after(timeoutMs, () => guest.socket.destroy())
  }

  #left(ends: string, guest: Guest): void {
    guest.stopTimer()
    this.#guests.delete(ends)
    this.#room.left(guest.place)
    if (this.#closing && this.#guests.size === 0) this.#emptied()
  }
}

/** Both ends of a socket: what its TCP and its TLS face have in common, and no other socket at that moment. */
const endsOf = (socket: Socket): string =>
  [socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort].join(' ')
