import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { expect } from 'vitest'
import type { Wire } from '../../../engine/env/wire.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { mintIdentity } from '../../../transport/identity/cert.ts'
import { createTlsAcceptor } from '../../../transport/identity/tls.ts'
import { type Door, follower, host, listenOn, master, openDoor } from './world.ts'

export const stranger = mintIdentity(signingKey(Buffer.alloc(32, 3)))
export const closed = (socket: Socket) =>
  socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve()))

/** Opens a door, runs, and shows that afterwards the door still works and nothing is left open. */
export async function withDoor(
  more: Parameters<typeof openDoor>[0],
  run: (door: Door) => Promise<void>,
): Promise<void> {
  const door = await openDoor(more)
  try {
    await run(door)
  } finally {
    await door.listener.close()
  }
  expect(door.listener.connections()).toBe(0)
}
export const stillOpen = async (door: Door) => {
  const coming = door.next()
  const [near, far] = [await door.connect(), await coming]
  await near.send(Buffer.from('hello'))
  expect(Buffer.from((await far.receive()) ?? '').toString()).toBe('hello')
  near.close('gone', 'done')
  await Promise.all([near.closed, far.closed])
}

/** TLS as a follower, and from there whatever a test writes. `heard` is all that came back. */
export async function knock(port: number, identity = follower) {
  const socket = connect({
    host,
    port,
    key: identity.keyPem,
    cert: identity.certPem,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  })
  const heard: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => heard.push(bytes))
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  return { socket, heard: () => Buffer.concat(heard) }
}
export const upgrade = (lines: readonly string[] = [], path = '/link/v1', method = 'GET') =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: stemma',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...lines,
    '',
    '',
  ].join('\r\n')
/** The first line of the answer to a request, and all of it, once the server has hung up. */
export async function ask(
  port: number,
  text: string,
  identity = follower,
): Promise<{ status: number; whole: string }> {
  const { socket, heard } = await knock(port, identity)
  socket.write(text)
  await closed(socket)
  const whole = heard().toString('latin1')
  return { status: Number(whole.split(' ')[1] ?? 0), whole }
}
/** An upgraded socket on which a test writes WebSocket frames by hand, and the master's end of it. */
export async function rawLink(door: Door): Promise<{ socket: TLSSocket; far: Wire; heard: () => Buffer }> {
  const coming = door.next()
  const { socket, heard } = await knock(door.listener.port)
  socket.write(upgrade())
  return { socket, far: await coming, heard: () => heard().subarray(heard().indexOf('\r\n\r\n') + 4) }
}
/** A frame by hand: a client's is masked, here with zeros. */
export function frame(
  opcode: number,
  payload: Uint8Array,
  { fin = true, rsv = 0, length = payload.length, masked = true } = {},
): Buffer {
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const mask = Buffer.alloc(masked ? 4 : 0)
  const bit = masked ? 0x80 : 0
  if (length < 126) return Buffer.concat([Buffer.from([first, bit | length]), mask, payload])
  const head = Buffer.alloc(10)
  head.set([first, bit | 127])
  head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, mask, payload])
}
export const [continuation, text, binary, close, ping, pong] = [0, 1, 2, 8, 9, 10]

const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * What holds the key of the master and speaks TLS, and behind the upgrade whatever a test writes.
 * @param answer what it says to the request; null for the answer of an honest master.
 */
export function falseMaster(
  closing: (() => void | Promise<void>)[],
  play: (socket: TLSSocket) => void,
  answer: ((socket: TLSSocket) => void) | null = null,
): Promise<number> {
  const accept = createTlsAcceptor(master, ({ socket }) => {
    socket.once('data', (request: Buffer) => {
      if (answer) return answer(socket)
      const key = /sec-websocket-key: ([^\r]+)/i.exec(request.toString('latin1'))?.[1] ?? ''
      const accepted = createHash('sha1')
        .update(key + acceptGuid)
        .digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accepted}\r\n\r\n`,
      )
      play(socket)
    })
  })
  return listenOn(closing, accept)
}
