/**
 * Two hosts on one cable: network namespaces of this test's own, joined by a pair of virtual interfaces.
 * Always holds: the names belong to this process alone, nothing outside the namespaces is touched, and `remove`
 * takes all of it away. Needs root and iproute2.
 */
import { execFileSync, spawn } from 'node:child_process'
import { Server } from './server.ts'

/** One end of the cable: the namespace, and the addresses that it has on it, all /24. */
export type Host = { readonly name: string; readonly addresses: readonly string[] }
export type Cable = {
  /** What to put before a command so that it runs on that host. */
  inside(host: Host): readonly string[]
  /** From now on whatever is sent to that host gets lost, without a word to the sender. */
  swallow(host: Host): void
  /** And it arrives again. */
  heal(host: Host): void
  /** A host gets one more address. */
  address(host: Host, address: string): void
  /** A host gets another address for its first one. */
  readdress(host: Host, address: string): void
  remove(): void
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' })

/** Why there can be no namespaces here, or null when there can. */
export function namespacesMissing(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'this is not root'
  const probe = `stemma-${process.pid}-probe`
  try {
    ip('netns', 'add', probe)
    ip('netns', 'delete', probe)
    return null
  } catch (error) {
    return `ip netns does not work here: ${error instanceof Error ? error.message.trim() : error}`
  }
}

const namespaceOf = (host: Host): string => `stemma-${process.pid}-${host.name}`
/** An interface is created under a name that nothing else has, since it is born in the outer namespace. */
const cableEnd = (index: number): string => `st${process.pid}-${index}`

/** Lays the cable between two hosts and gives them their addresses. */
export function layCable(left: Host, right: Host): Cable {
  const hosts = [left, right]
  const remove = () => {
    // An interface goes with its namespace, and its other end with it.
    for (const host of hosts) {
      if (ip('netns', 'list').split(/\s+/).includes(namespaceOf(host)))
        ip('netns', 'delete', namespaceOf(host))
    }
  }
  try {
    for (const host of hosts) ip('netns', 'add', namespaceOf(host))
    const inNamespace = (index: number, host: Host) => [cableEnd(index), 'netns', namespaceOf(host)]
    ip('link', 'add', ...inNamespace(0, left), 'type', 'veth', 'peer', 'name', ...inNamespace(1, right))
    hosts.forEach((host, index) => {
      const here = ['-n', namespaceOf(host)]
      for (const address of host.addresses)
        ip(...here, 'address', 'add', `${address}/24`, 'dev', cableEnd(index))
      ip(...here, 'link', 'set', 'lo', 'up')
      ip(...here, 'link', 'set', cableEnd(index), 'up')
    })
  } catch (error) {
    remove()
    throw error
  }
  return {
    inside: (host) => ['ip', 'netns', 'exec', namespaceOf(host)],
    // A neighbour that answers nothing would be given up after three seconds; one at a card that nobody has is not.
    swallow(host) {
      const index = host === left ? 1 : 0
      const there = ['-n', namespaceOf(index === 1 ? right : left), 'neighbour', 'replace']
      for (const address of host.addresses)
        ip(...there, address, 'lladdr', '02:00:00:00:00:01', 'nud', 'permanent', 'dev', cableEnd(index))
    },
    heal(host) {
      const index = host === left ? 1 : 0
      for (const address of host.addresses)
        ip(
          '-n',
          namespaceOf(index === 1 ? right : left),
          'neighbour',
          'delete',
          address,
          'dev',
          cableEnd(index),
        )
    },
    address(host, address) {
      const end = cableEnd(host === left ? 0 : 1)
      ip('-n', namespaceOf(host), 'address', 'add', `${address}/24`, 'dev', end)
    },
    readdress(host, address) {
      const here = ['-n', namespaceOf(host), 'address']
      const end = cableEnd(host === left ? 0 : 1)
      ip(...here, 'delete', `${host.addresses[0]}/24`, 'dev', end)
      ip(...here, 'add', `${address}/24`, 'dev', end)
    },
    remove,
  }
}

export type Knock = {
  /** Whether somebody listens there (not ECONNREFUSED), whether TLS was answered, and how many bytes came back. */
  readonly listening: boolean
  readonly handshake: boolean
  readonly bytes: number
}

/** Opens TLS from one address to another and tells how far it came; runs as a process of its own on that host. */
const knocker = `
const { connect } = require('node:net')
const tls = require('node:tls')
const [host, port, localAddress] = process.argv.slice(1)
const seen = { listening: true, handshake: false, bytes: 0 }
const socket = connect({ host, port: Number(port), localAddress })
const end = () => { seen.bytes = socket.bytesRead; console.log(JSON.stringify(seen)); process.exit(0) }
socket.on('error', (error) => { if (error.code !== 'ECONNRESET') seen.listening = false })
const secure = tls.connect({ socket, rejectUnauthorized: false, minVersion: 'TLSv1.3' })
secure.once('secureConnect', () => { seen.handshake = true; end() })
secure.on('error', () => {})
socket.once('close', end)
`

export function knock(inside: readonly string[], host: string, port: number, from: string): Promise<Knock> {
  const [command = '', ...args] = [...inside, process.execPath, '-e', knocker, host, String(port), from]
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (status) => {
      if (status !== 0) return fail(new Error(`the probe ended with ${status}: ${said}`))
      const { listening, handshake, bytes } = JSON.parse(said)
      done({ listening, handshake, bytes })
    })
  })
}

/** Accepts whoever comes, and says nothing to them: as a way that broke right after the connection. */
const silence = `
const [host, port] = process.argv.slice(1)
let came = 0
require('node:net')
  .createServer((socket) => {
    socket.on('error', () => {}).resume()
    console.log(JSON.stringify({ event: 'came', count: ++came }))
  })
  .listen(Number(port), host, () => console.log(JSON.stringify({ event: 'listening' })))
`

/** Somebody silent, listening in the place of a master. Says `came` with a `count` for each connection. */
export async function beSilent(inside: readonly string[], host: string, port: number): Promise<Server> {
  const [command = '', ...args] = [...inside, process.execPath, '-e', silence, host, String(port)]
  const server = new Server(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }), 'somebody silent')
  await server.event('listening')
  return server
}
