/** A master's door on loopback, and what tests need to knock at it, kindly or not. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { systemClock } from '../../../engine/env/system.ts'
import type { Wire } from '../../../engine/env/wire.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { mintIdentity } from '../../../transport/identity/cert.ts'
import { createPeerRules, type PeerRules } from '../../../transport/identity/peer.ts'
import { connectWire } from '../../../transport/link/connect.ts'
import { type Listener, type ListenOptions, listen } from '../../../transport/link/listen.ts'

export const host = '127.0.0.1'
export const master = mintIdentity(signingKey(Buffer.alloc(32, 1)))
export const follower = mintIdentity(signingKey(Buffer.alloc(32, 2)))

export function rulesOf(allow: string[], deny: string[] = []): PeerRules {
  const rules = createPeerRules({ allow, deny })
  if (isRefusal(rules)) throw new Error(rules.why)
  return rules
}

export type Door = {
  readonly listener: Listener
  readonly wires: Wire[]
  readonly refused: string[]
  /** The next wire that comes in. */
  next(): Promise<Wire>
  connect(more?: Partial<Parameters<typeof connectWire>[0]>): Promise<Wire>
}

export async function openDoor(more: Partial<ListenOptions> = {}): Promise<Door> {
  const wires: Wire[] = []
  const waiting: ((wire: Wire) => void)[] = []
  const refused: string[] = []
  const listener = await listen({
    hosts: [host],
    port: 0,
    identity: master,
    rules: rulesOf(['127.0.0.0/8']),
    clock: systemClock,
    admit: () => null,
    isEnrolled: () => false,
    head: () => null,
    // As the host of a master does once it has let somebody in; `stranger.test.ts` has those that are not.
    onWire(wire) {
      wire.welcome()
      wires.push(wire)
      waiting.shift()?.(wire)
    },
    onRefused: (refusal) => refused.push(refusal.refused),
    ...more,
  })
  return {
    listener,
    wires,
    refused,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    connect: (to = {}) =>
      connectWire({
        host,
        port: listener.port,
        pin: master.fingerprint,
        identity: follower,
        clock: systemClock,
        timeoutMs: 10_000,
        ...to,
      }),
  }
}

/** A port of ours for whatever a stranger may do there; what was taken in is ended by what `closing` gets. */
export async function listenOn(
  closing: (() => void | Promise<void>)[],
  onSocket: (socket: Socket) => void,
): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  }).listen(0, host)
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
