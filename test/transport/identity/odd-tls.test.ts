/** Certificates and handshakes that are odd: only the key that was proved counts, and nothing odd is told apart by it. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sign } from '../../../engine/crypto/ed25519.ts'
import { systemClock as clock } from '../../../engine/env/system.ts'
import { type SigningKey, signingKey } from '../../../engine/keys/keys.ts'
import { mintCertificate, mintIdentity, type NodeIdentity } from '../../../transport/identity/cert.ts'
import { type Channel, connectPinned, createTlsAcceptor } from '../../../transport/identity/tls.ts'
import { rawHandshake } from './raw.ts'

const host = '127.0.0.1'
const keyOf = (n: number): SigningKey => signingKey(Buffer.alloc(32, n))
const [master, follower, stranger] = [mintIdentity(keyOf(1)), mintIdentity(keyOf(2)), mintIdentity(keyOf(3))]

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`

/** The certificate of a key with other words in it, of the same length, and signed again. */
function altered(key: SigningKey, changes: Readonly<Record<string, string>>): string {
  const der = mintCertificate(key)
  for (const [from, to] of Object.entries(changes))
    for (let at = der.indexOf(from); at >= 0; at = der.indexOf(from, at + 1)) der.write(to, at, 'latin1')
  // Three bytes in front of what is signed, 74 behind it: algorithm, BIT STRING, signature.
  sign(key.private, der.subarray(3, der.length - 74)).copy(der, der.length - 64)
  return pem(der)
}
const expired = (key: SigningKey) => altered(key, { '99991231235959Z': '20010101000000Z' })
const notYet = (key: SigningKey) => altered(key, { '000101000000Z': '491231235959Z' })
const renamed = (key: SigningKey) => altered(key, { stemma: 'a\0.com' })

let foreign: Readonly<Record<string, { key: Buffer; cert: Buffer }>>
beforeAll(() => {
  const dir = mkdtempSync(join(tmpdir(), 'stemma-odd-tls-'))
  const make = (...algorithm: string[]) => {
    const [key, cert] = [join(dir, 'key'), join(dir, 'cert')]
    const rest = ['-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=stemma', '-days', '2']
    execFileSync('openssl', ['req', '-x509', '-newkey', ...algorithm, ...rest], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  }
  foreign = {
    Ed448: make('ed448'),
    'P-384': make('ec', '-pkeyopt', 'ec_paramgen_curve:P-384'),
    'RSA-PSS': make('rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'),
  }
  rmSync(dir, { recursive: true })
})

const open: (Server | Socket)[] = []
afterEach(() => {
  for (const one of open.splice(0)) 'destroy' in one ? one.destroy() : one.close()
})

/** A side of TLS that waits, as ours or with other certificates; what came through. */
async function serve(shown: Pick<NodeIdentity, 'keyPem' | 'certPem'> = master) {
  const came: Channel[] = []
  const heard: Buffer[] = []
  const accept = createTlsAcceptor({ ...master, ...shown }, (channel) => {
    came.push(channel)
    channel.socket.on('data', (bytes: Buffer) => heard.push(bytes))
  })
  const server = createServer((socket) => {
    open.push(socket.on('error', () => {}))
    accept(socket)
  }).listen(0, host)
  open.push(server)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, came, heard: () => Buffer.concat(heard).toString() }
}
/** A client that is not ours, until the server hangs up or has let it in. */
async function knock(
  { port, came }: Awaited<ReturnType<typeof serve>>,
  shown: ConnectionOptions,
): Promise<Buffer | null> {
  const before = came.length
  const socket = connect({ host, port, rejectUnauthorized: false, ...shown }).on('error', () => {})
  open.push(socket.resume())
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  while (came.length === before && !socket.closed)
    await Promise.race([over, new Promise((resolve) => setImmediate(resolve))])
  return came[before]?.peerKey ?? null
}
const reach = async (port: number) => {
  const channel = await connectPinned({
    host,
    port,
    pin: master.fingerprint,
    identity: follower,
    clock,
    timeoutMs: 10_000,
  })
  open.push(channel.socket)
  return channel
}

const own = keyOf(2)
const oddities: readonly [string, (key: SigningKey) => string][] = [
  ['that has expired', expired],
  ['that is not valid yet', notYet],
  ['of another name', renamed],
  ['with a chain behind it', (key) => pem(mintCertificate(key)) + stranger.certPem.repeat(50)],
]
describe('a certificate', () => {
  test.each(oddities)('S18: %s counts by its key, on either side', async (_what, certOf) => {
    const ours = await serve()
    expect(await knock(ours, { key: follower.keyPem, cert: certOf(own) })).toEqual(follower.public)
    const { port } = await serve({ keyPem: master.keyPem, certPem: certOf(keyOf(1)) })
    expect((await reach(port)).peerKey).toEqual(master.public)
  })

  test('S19: of the pinned key further down a chain counts for nothing', async () => {
    const { port } = await serve({ keyPem: stranger.keyPem, certPem: stranger.certPem + master.certPem })
    await expect(reach(port)).rejects.toMatchObject({
      code: 'pin-mismatch',
      facts: { got: stranger.fingerprint },
    })
    const ours = await serve()
    const shown = { key: stranger.keyPem, cert: stranger.certPem + follower.certPem }
    expect(await knock(ours, shown)).toEqual(stranger.public)
  })

  test('T12: with a chain of a hundred and fifty kilobytes is not read to its end, by either side', async () => {
    const chain = stranger.certPem.repeat(600)
    const ours = await serve()
    expect(await knock(ours, { key: follower.keyPem, cert: follower.certPem + chain })).toBeNull()
    const { port } = await serve({ keyPem: master.keyPem, certPem: master.certPem + chain })
    await expect(reach(port)).rejects.toMatchObject({ code: 'not-a-master' })
    expect(await knock(ours, { key: follower.keyPem, cert: follower.certPem })).toEqual(follower.public)
  })

  test.each(['Ed448', 'P-384', 'RSA-PSS'])('S18: of a key of another kind (%s) is none', async (kind) => {
    const ours = await serve()
    expect(await knock(ours, foreign[kind] ?? {})).toBeNull()
    expect(ours.came).toHaveLength(0)
  })
})

describe('a handshake', () => {
  test('S18: names whatever host or protocol it likes and gets the one certificate', async () => {
    const ours = await serve()
    const shown = { key: follower.keyPem, cert: follower.certPem }
    for (const more of [
      { servername: 'example.com' },
      { servername: 'x'.repeat(255) },
      { servername: `${'y.'.repeat(100)}localhost` },
      { ALPNProtocols: ['h2', 'http/1.1', 'x'.repeat(255)] },
    ])
      expect(await knock(ours, { ...shown, ...more })).toEqual(follower.public)
  })

  test.each([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['TLS 1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
    ['RSA signatures alone', { sigalgs: 'rsa_pss_rsae_sha256' }],
  ] as const)('S18: with %s is refused', async (_what, more) => {
    const ours = await serve()
    expect(await knock(ours, { key: follower.keyPem, cert: follower.certPem, ...more })).toBeNull()
  })

  const byHand = { host, certificate: mintCertificate(own), signer: own.private, say: 'hello' }

  test('S18: begun anew on a channel that stands ends it', async () => {
    const ours = await serve()
    await rawHandshake({ ...byHand, port: ours.port, anew: true })
    expect(ours.came).toHaveLength(1)
    const [channel] = ours.came
    if (!channel?.socket.closed) await once(channel?.socket as Socket, 'close')
    expect(ours.heard()).toBe(byHand.say)
  })

  test('T12: a flood of new keys is not piled up', async () => {
    const ours = await serve()
    const before = process.memoryUsage().rss
    await rawHandshake({ ...byHand, port: ours.port, keyUpdates: 5000 })
    expect(ours.came).toHaveLength(1)
    // All of them were taken: what came behind them could be read.
    expect(ours.heard()).toBe(byHand.say.repeat(2))
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
    expect(await knock(ours, { key: follower.keyPem, cert: follower.certPem })).toEqual(follower.public)
  })
})
