/**
 * Where a master listens: the sockets that are bound, and the door behind them (`door.ts`).
 * Always holds: all hosts share one port; IPv4 and IPv6 are bound apart, and a machine without IPv6 is no fault
 * unless that was all it was asked for (S16).
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { assert } from '../../schemas/fault.ts'
import { portTriesMax } from '../../schemas/limits.ts'
import { errorCode, listenFault } from '../identity/reach.ts'
import { Door, type DoorOptions } from './door.ts'

export type ListenOptions = DoorOptions & {
  /** IP addresses or names to bind. Default: every address of both families. */
  readonly hosts?: readonly string[]
  /** 0 takes a free one. */
  readonly port: number
}

export type Listener = {
  readonly port: number
  /** What was really bound: a machine without IPv6 has only the first of the default hosts. */
  readonly hosts: readonly string[]
  /** Sockets that are open, in whatever state. */
  connections(): number
  /** Ends every wire of this node at once, with what waits to be sent on it; returns how many. */
  cut(peerKey: Uint8Array): number
  /** Stops listening, closes every wire and waits until all sockets are gone. */
  close(): Promise<void>
}

const everywhere = ['0.0.0.0', '::']

/** @throws Fault `port-in-use`, `port-denied` or `address-unavailable`. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const door = new Door(options)
  const servers = await bindAll(options.hosts ?? everywhere, options.port, (socket) => door.enter(socket))
  return {
    port: portOf(servers),
    hosts: servers.map((server) => addressOf(server).address),
    connections: () => door.size,
    cut: (peerKey) => door.cut(peerKey),
    async close() {
      const closed = servers.map((server) => once(server, 'close'))
      for (const server of servers) server.close()
      await Promise.all([door.close(), ...closed])
    },
  }
}

async function bindAll(
  hosts: readonly string[],
  port: number,
  enter: (socket: Socket) => void,
): Promise<readonly Server[]> {
  for (let tries = 1; ; tries++) {
    const servers: Server[] = []
    for (const host of hosts) {
      const place = { host, port: servers.length > 0 ? portOf(servers) : port }
      const bound = await bind(place, enter)
      if (bound.server) {
        servers.push(bound.server)
        continue
      }
      const errno = errorCode(bound.error)
      if (host === '::' && servers.length > 0 && noFamily.has(errno)) continue
      for (const server of servers) server.close()
      if (port !== 0 || errno !== 'EADDRINUSE' || tries === portTriesMax)
        throw listenFault(bound.error, place)
      servers.length = 0
      break
    }
    if (servers.length > 0) return servers
  }
}

/** What a system without IPv6, or with all of it switched off, answers to `::`. */
const noFamily = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT', 'EINVAL'])

type Bound = { readonly server: Server } | { readonly server: null; readonly error: unknown }

function bind(place: { host: string; port: number }, enter: (socket: Socket) => void): Promise<Bound> {
  const server = createServer({ noDelay: true, keepAlive: true }, enter)
  return new Promise((resolve) => {
    server.once('error', (error) => resolve({ server: null, error }))
    server.listen({ ...place, ipv6Only: true }, () => {
      server.removeAllListeners('error')
      // An accept that fails (no descriptor left) costs that connection, not the master.
      server.on('error', () => {})
      resolve({ server })
    })
  })
}

function portOf([first]: readonly Server[]): number {
  assert(first, 'a listener has bound something')
  return addressOf(first).port
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a TCP server has an address while it listens')
  return address
}
