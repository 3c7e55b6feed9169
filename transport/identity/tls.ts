/**
 * TLS 1.3 between two node keys. OpenSSL does the cryptography; who is trusted is decided here by key alone.
 * Always holds: a `Channel` comes of a full handshake (never a resumed one) in which the other side proved an
 * Ed25519 key, with a certificate on both sides; `connectPinned` compares that key with the pin before a byte of
 * HTTP leaves (S18).
 */
import { constants } from 'node:crypto'
import type { Socket, TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { fingerprint, isPublicKey, rawOf } from '../../engine/crypto/ed25519.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { Fault, isRefusal, type Refusal, refuse, toFault } from '../../schemas/fault.ts'
import { familyAttemptMs } from '../../schemas/limits.ts'
import { formatAddress } from '../../schemas/link.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { NodeIdentity } from './cert.ts'
import { connectFault } from './reach.ts'

/** What a machine shows of itself. */
export type Shown = Pick<NodeIdentity, 'keyPem' | 'certPem'>
/** An authenticated connection: the other side's raw node key, and 32 bytes that only both ends know. */
export type Channel = {
  readonly socket: TLSSocket
  readonly peerKey: Buffer
  readonly exporter: Buffer
}

const exporterLabel = 'EXPORTER-stemma-channel-v1'
const exporterBytes = 32

/**
 * `sigalgs` makes OpenSSL itself refuse certificates of any other kind on either side. Without tickets a server
 * keeps nothing by which a session could be resumed. `rejectUnauthorized` is about certificate authorities, of which
 * none counts here: with none named, Node would load all that it knows. That the other side holds the key of its
 * certificate is always checked.
 */
const options = (identity: Shown) =>
  ({
    key: identity.keyPem,
    cert: identity.certPem,
    ca: [],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sigalgs: 'ed25519',
    secureOptions: constants.SSL_OP_NO_TICKET,
    rejectUnauthorized: false,
  }) as const satisfies TlsOptions

export type ConnectOptions = {
  readonly host: string
  readonly port: number
  /** The fingerprint of the master's node key. */
  readonly pin: Hash
  readonly identity: Shown
  readonly clock: Clock
  /** For address, TCP and TLS together. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** A connection that is there already (`dial`); it is destroyed with what fails. */
  readonly socket?: Socket
}

/**
 * Connects and checks the pin.
 * @throws Fault `pin-mismatch`, `peer-refused`, `unreachable`, `timed-out`, `protocol`, `keys-damaged`, or the
 * signal's reason.
 */
export async function connectPinned(to: ConnectOptions): Promise<Channel> {
  const how: ConnectionOptions & Pick<TcpNetConnectOpts, 'autoSelectFamilyAttemptTimeout'> = {
    ...options(to.identity),
    ...(to.socket ? { socket: to.socket } : { host: to.host, port: to.port }),
    // No name is sent ahead in clear text, and none is compared: the key is the name.
    servername: '',
    checkServerIdentity: () => undefined,
    autoSelectFamilyAttemptTimeout: familyAttemptMs,
  }
  let made = to.socket
  try {
    to.signal?.throwIfAborted()
    const socket = begin(how)
    made = socket
    await secured(socket, to)
    const channel = channelOf(socket)
    if (isRefusal(channel)) throw toFault(channel)
    const got = fingerprint(channel.peerKey)
    if (got !== to.pin)
      throw new Fault(
        'pin-mismatch',
        `The master at ${formatAddress(to.host, to.port)} has another key than the pinned one: expected ${to.pin}, got ${got}.`,
        { expected: to.pin, got },
      )
    return channel
  } catch (error) {
    made?.destroy()
    throw error
  }
}

/** OpenSSL looks at key and certificate before anything is sent. */
function begin(how: ConnectionOptions): TLSSocket {
  try {
    return connect(how)
  } catch (error) {
    throw new Fault('keys-damaged', 'The node key of this machine and its certificate do not fit.', {}, error)
  }
}

/** Resolves when the handshake is done. Leaves one error listener: what breaks later is told by the close. */
function secured(socket: TLSSocket, to: ConnectOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () =>
      fail(
        new Fault('timed-out', `The master at ${formatAddress(to.host, to.port)} did not answer in time.`, {
          host: to.host,
          port: to.port,
        }),
      )
    const aborted = () => fail(to.signal?.reason)
    const closed = () => fail(connectFault(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), to))
    const cancel = to.clock.after(to.timeoutMs, late)
    const settle = () => {
      cancel()
      to.signal?.removeEventListener('abort', aborted)
      socket.off('close', closed)
    }
    const fail = (error: unknown) => {
      settle()
      reject(error)
    }
    to.signal?.addEventListener('abort', aborted, { once: true })
    socket.on('error', (error) => fail(connectFault(error, to)))
    socket.once('close', closed)
    socket.once('secureConnect', () => {
      settle()
      resolve()
    })
  })
}

/**
 * Takes accepted TCP sockets through the server's side of TLS. `ready` gets each that came through; all others are
 * destroyed. Time-outs are the caller's: it owns the TCP socket.
 */
export function createTlsAcceptor(
  identity: NodeIdentity,
  ready: (channel: Channel) => void,
): (socket: Socket) => void {
  const server = createServer({ ...options(identity), requestCert: true })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy())
    const channel = channelOf(socket)
    if (isRefusal(channel)) socket.destroy()
    else ready(channel)
  })
  // A handshake that failed: OpenSSL has sent its alert, and the TCP socket goes with it.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return (socket) => void server.emit('connection', socket)
}

/** What a finished handshake proves. */
export function channelOf(socket: TLSSocket): Channel | Refusal {
  if (socket.getProtocol() !== 'TLSv1.3') return refuse('protocol', 'The connection is not TLS 1.3.')
  // A resumed session shows a certificate of the past, and no proof that its key is held now.
  if (socket.isSessionReused()) return refuse('protocol', 'The connection resumes an older one.')
  const certificate = socket.getPeerX509Certificate()
  const peerKey = certificate && rawOf(certificate.publicKey)
  if (!peerKey || !isPublicKey(peerKey))
    return refuse('protocol', 'The other side has shown no Ed25519 certificate.')
  const exporter = socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.alloc(0))
  return { socket, peerKey, exporter }
}
