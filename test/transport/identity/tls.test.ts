import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectPlain, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock as clock } from '../../../engine/env/system.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { codes } from '../../../schemas/code.ts'
import type { Fault } from '../../../schemas/fault.ts'
import { mintCertificate, mintIdentity, type NodeIdentity } from '../../../transport/identity/cert.ts'
import { type Channel, connectPinned, createTlsAcceptor } from '../../../transport/identity/tls.ts'
import { rawHandshake } from './raw.ts'

const master = mintIdentity(signingKey(Buffer.alloc(32, 1)))
const follower = mintIdentity(signingKey(Buffer.alloc(32, 2)))
const stranger = mintIdentity(signingKey(Buffer.alloc(32, 3)))
const host = '127.0.0.1'
let foreign: { rsa: { key: Buffer; cert: Buffer }; ec: { key: Buffer; cert: Buffer } }

beforeAll(() => {
  const dir = mkdtempSync(join(tmpdir(), 'stemma-tls-'))
  const make = (name: string, ...algorithm: string[]) => {
    const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)]
    const rest = ['-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=stemma', '-days', '2']
    execFileSync('openssl', ['req', '-x509', '-newkey', ...algorithm, ...rest], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  }
  foreign = { rsa: make('rsa', 'rsa:2048'), ec: make('ec', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256') }
  rmSync(dir, { recursive: true })
})

const open = new Set<Server>()
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of open) server.close()
  sockets.clear()
  open.clear()
})

async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  open.add(server)
  server.listen(0, host)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A master's side of TLS: what came through, and every byte that was said over it. */
async function serveTls(identity: NodeIdentity = master) {
  const came: Channel[] = []
  const heard: Buffer[] = []
  let wake = () => {}
  const accept = createTlsAcceptor(identity, (channel) => {
    came.push(channel)
    channel.socket.on('data', (bytes: Buffer) => heard.push(bytes))
    wake()
  })
  const port = await serve(accept)
  const next = async () => {
    if (came.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    const [channel] = came
    if (!channel) throw new Error('no channel')
    return channel
  }
  return { port, came, heard, next }
}

const reach = (port: number, more: Partial<Parameters<typeof connectPinned>[0]> = {}) =>
  connectPinned({
    host,
    port,
    pin: master.fingerprint,
    identity: follower,
    clock,
    timeoutMs: 10_000,
    ...more,
  })
const failure = async (attempt: Promise<unknown>): Promise<Fault> =>
  attempt.then(
    () => expect.unreachable('it must fail'),
    (error: unknown) => error as Fault,
  )
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))
/** A client that is not ours; `gone` is the error's code, or `closed`, once the socket is gone. */
function rawClient(port: number, options: ConnectionOptions): { socket: TLSSocket; gone: Promise<string> } {
  const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ...options })
  let code = 'closed'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? 'unknown'
  })
  socket.resume()
  return { socket, gone: closed(socket).then(() => code) }
}

test('S18: both sides learn the key that the other proved, and share an exporter that no other channel has', async () => {
  const server = await serveTls()
  const mine = await reach(server.port)
  const theirs = await server.next()
  expect(mine.peerKey.equals(master.public)).toBe(true)
  expect(theirs.peerKey.equals(follower.public)).toBe(true)
  expect(mine.exporter).toHaveLength(32)
  expect(mine.exporter.equals(theirs.exporter)).toBe(true)
  const second = await reach(server.port)
  expect(second.exporter.equals(mine.exporter)).toBe(false)
  mine.socket.destroy()
  second.socket.destroy()
})

test('T2, S19: another key is refused before a byte is said, with both fingerprints and exit code 4', async () => {
  const server = await serveTls(stranger)
  const fault = await failure(reach(server.port))
  expect(fault).toMatchObject({
    code: 'pin-mismatch',
    facts: { expected: master.fingerprint, got: stranger.fingerprint },
  })
  expect(codes[fault.code].exit).toBe(4)
  await Promise.all([...sockets].map((socket) => socket.closed || closed(socket)))
  expect(sockets.size).toBe(1)
  expect(server.heard).toHaveLength(0)
})

test('S18: a client without certificate never becomes a channel', async () => {
  const server = await serveTls()
  await rawClient(server.port, {}).gone
  expect(server.came).toHaveLength(0)
})

test('S18: RSA and ECDSA certificates never become a channel', async () => {
  const server = await serveTls()
  for (const kind of ['rsa', 'ec'] as const) await rawClient(server.port, { ...foreign[kind] }).gone
  expect(server.came).toHaveLength(0)
})

test('S18: a server with an RSA or ECDSA certificate is no master', async () => {
  for (const kind of ['rsa', 'ec'] as const) {
    const server = createTlsServer({ ...foreign[kind], minVersion: 'TLSv1.3' })
    server.on('tlsClientError', () => {})
    server.listen(0, host)
    await once(server, 'listening')
    expect(await failure(reach((server.address() as AddressInfo).port))).toMatchObject({
      code: 'not-a-master',
    })
    server.close()
  }
})

test('S18: TLS 1.2 is refused by either side', async () => {
  const server = await serveTls()
  const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
  const { gone } = rawClient(server.port, { ...old, key: follower.keyPem, cert: follower.certPem })
  expect(await gone).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  expect(server.came).toHaveLength(0)
  const other = createTlsServer({ ...old, key: master.keyPem, cert: master.certPem })
  other.on('tlsClientError', () => {})
  other.listen(0, host)
  await once(other, 'listening')
  expect(await failure(reach((other.address() as AddressInfo).port))).toMatchObject({ code: 'not-a-master' })
  other.close()
})

test('S18: a session is never resumed, so a certificate is shown and proved every time', async () => {
  const server = await serveTls()
  const credentials = { key: follower.keyPem, cert: follower.certPem }
  const first = rawClient(server.port, credentials)
  const [session] = (await once(first.socket, 'session')) as [Buffer]
  first.socket.destroy()
  const second = rawClient(server.port, { ...credentials, session })
  await once(second.socket, 'secureConnect')
  expect(second.socket.isSessionReused()).toBe(false)
  second.socket.destroy()
  // Without its certificate the session is worth nothing.
  await rawClient(server.port, { session }).gone
  expect(server.came.every(({ peerKey }) => peerKey.equals(follower.public))).toBe(true)
})

test('S22: nothing listens: unreachable, with host and port in the sentence', async () => {
  const port = await serve(() => {})
  for (const server of open) server.close()
  const fault = await failure(reach(port))
  expect(fault).toMatchObject({ code: 'unreachable', facts: { errno: 'ECONNREFUSED' } })
  expect(fault.message).toContain(`${host}:${port}`)
})

test('S13: a name without an address is unreachable', async () => {
  const fault = await failure(reach(1, { host: 'no-such-machine.invalid' }))
  expect(fault.code).toBe('unreachable')
  expect(fault.message).toContain('no-such-machine.invalid')
})

test('S51: a silent master is given up in time', async () => {
  const port = await serve((socket) => socket.resume())
  expect(await failure(reach(port, { timeoutMs: 50 }))).toMatchObject({ code: 'timed-out' })
})

test('S51: an abort ends the attempt with its reason, before or during it', async () => {
  const port = await serve((socket) => socket.resume())
  const reason = new Error('changed my mind')
  await expect(reach(port, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const abort = new AbortController()
  const attempt = reach(port, { signal: abort.signal })
  abort.abort(reason)
  await expect(attempt).rejects.toBe(reason)
})

test('S19: something else at the address is no master, and a broken connection is not a question of trust', async () => {
  const web = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expect(await failure(reach(web))).toMatchObject({ code: 'not-a-master' })
  const closing = await serve((socket) => socket.end())
  expect(await failure(reach(closing))).toMatchObject({ code: 'unreachable' })
  const resetting = await serve((socket) => socket.resetAndDestroy())
  expect(await failure(reach(resetting))).toMatchObject({ code: 'unreachable' })
})

test('T12: noise instead of a handshake ends that socket and nothing else', async () => {
  const server = await serveTls()
  for (const noise of [Buffer.alloc(1), Buffer.alloc(70_000, 0x16), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    const socket = connectPlain(server.port, host)
    socket.on('error', () => {})
    socket.end(noise)
    socket.resume()
    await closed(socket)
  }
  const channel = await reach(server.port)
  channel.socket.destroy()
})

test('T4: a certificate without its key is worth nothing', async () => {
  const keys = [signingKey(Buffer.alloc(32, 2)), signingKey(Buffer.alloc(32, 3))] as const
  const certificate = mintCertificate(keys[0])
  const server = await serveTls()
  const to = { host, port: server.port, certificate, say: 'GET / HTTP/1.1\r\n\r\n' }
  await rawHandshake({ ...to, signer: keys[1].private })
  expect(server.came).toHaveLength(0)
  expect(server.heard).toHaveLength(0)
  // The same by hand with the right key comes through, so it was the key that was missed.
  const genuine = rawHandshake({ ...to, signer: keys[0].private })
  const channel = await server.next()
  expect(channel.peerKey.equals(keys[0].public)).toBe(true)
  await once(channel.socket, 'data')
  expect(Buffer.concat(server.heard).toString()).toBe(to.say)
  channel.socket.destroy()
  await genuine
})
