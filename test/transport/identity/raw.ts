/**
 * A TLS 1.3 client by hand (RFC 8446), for what OpenSSL would not do for us: to show a certificate and sign with
 * the key of another. One suite (AES-128-GCM, SHA-256), one group (X25519), no checks of the server at all.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto'
import { connect } from 'node:net'
import { type PrivateKey, sign } from '../../../engine/crypto/ed25519.ts'

/** Resolves when the server has hung up. */
export async function rawHandshake(to: {
  readonly port: number
  readonly host: string
  readonly certificate: Buffer
  readonly signer: PrivateKey
  /** Sent under the application keys right behind our Finished. */
  readonly say: string
  /** A handshake is begun anew behind that, as TLS 1.2 allowed it. */
  readonly anew?: boolean
  /** Changes of keys behind that, each of which asks the server for one as well. */
  readonly keyUpdates?: number
}): Promise<void> {
  const socket = connect(to.port, to.host)
  socket.on('error', () => {})
  const records = readRecords(socket)
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const share = publicKey.export({ format: 'der', type: 'spki' }).subarray(12)
  const hello = message(1, [
    hex('0303'),
    randomBytes(32),
    hex('00 0002 1301 0100'),
    sized(2, [
      extension(0x0a, hex('0002 001d')),
      extension(0x0d, hex('0002 0807')),
      extension(0x2b, hex('02 0304')),
      extension(0x33, sized(2, [hex('001d'), sized(2, [share])])),
    ]),
  ])
  socket.write(record(22, hello))

  const serverHello = (await next(records)).body
  const theirs = serverHello.subarray(serverHello.indexOf(hex('001d0020')) + 4).subarray(0, 32)
  const theirKey = createPublicKey({
    key: Buffer.concat([hex('302a300506032b656e032100'), theirs]),
    format: 'der',
    type: 'spki',
  })
  const zeros = Buffer.alloc(32)
  const empty = sha256()
  const handshake = extract(
    expand(extract(zeros, zeros), 'derived', empty),
    diffieHellman({ privateKey, publicKey: theirKey }),
  )
  const upTo = sha256(hello, serverHello)
  const mine = expand(handshake, 'c hs traffic', upTo)
  const open = sealer(expand(handshake, 's hs traffic', upTo)).open

  // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished.
  let flight = Buffer.alloc(0)
  while (!endsInFinished(flight)) {
    const got = await next(records)
    if (got.type === 23) flight = Buffer.concat([flight, open(got).body])
  }
  let application = expand(
    extract(expand(handshake, 'derived', empty), zeros),
    'c ap traffic',
    sha256(hello, serverHello, flight),
  )

  const certificate = message(11, [hex('00'), sized(3, [sized(3, [to.certificate]), hex('0000')])])
  const signed = Buffer.concat([
    Buffer.alloc(64, 0x20),
    Buffer.from('TLS 1.3, client CertificateVerify\0'),
    sha256(hello, serverHello, flight, certificate),
  ])
  const proof = message(15, [hex('0807'), sized(2, [sign(to.signer, signed)])])
  const finishedKey = expand(mine, 'finished', Buffer.alloc(0))
  const mac = createHmac('sha256', finishedKey)
    .update(sha256(hello, serverHello, flight, certificate, proof))
    .digest()
  const seal = sealer(mine).seal
  socket.write(seal(22, Buffer.concat([certificate, proof, message(20, [mac])])))
  let keys = sealer(application)
  socket.write(keys.seal(23, Buffer.from(to.say)))
  if (to.anew) socket.write(keys.seal(22, hello))
  for (let n = 0; n < (to.keyUpdates ?? 0); n++) {
    socket.write(keys.seal(22, message(24, [hex('01')])))
    application = expand(application, 'traffic upd', Buffer.alloc(0))
    keys = sealer(application)
  }
  if (to.keyUpdates) socket.end(keys.seal(23, Buffer.from(to.say)))

  // What it sends now is under keys that nothing here asks for. Who hangs up with something unread resets the line.
  try {
    while (!(await records.next()).done);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error
  }
  socket.destroy()
}

type Record = { readonly type: number; readonly header: Buffer; readonly body: Buffer }

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
const extract = (salt: Buffer, key: Buffer) => createHmac('sha256', salt).update(key).digest()

/** HKDF-Expand-Label; no output here is longer than one block. */
function expand(secret: Buffer, label: string, context: Buffer, length = 32): Buffer {
  const info = Buffer.concat([
    Buffer.from([0, length]),
    sized(1, [Buffer.from(`tls13 ${label}`)]),
    sized(1, [context]),
    Buffer.from([1]),
  ])
  return createHmac('sha256', secret).update(info).digest().subarray(0, length)
}

/** Parts behind their length in so many bytes. */
function sized(bytes: number, parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(bytes)
  length.writeUIntBE(body.length, 0, bytes)
  return Buffer.concat([length, body])
}
const message = (type: number, parts: Buffer[]) => Buffer.concat([Buffer.from([type]), sized(3, parts)])
const extension = (type: number, body: Buffer) => Buffer.concat([Buffer.from([0, type]), sized(2, [body])])
const record = (type: number, body: Buffer) => Buffer.concat([Buffer.from([type, 3, 3]), sized(2, [body])])

function sealer(secret: Buffer) {
  const key = expand(secret, 'key', Buffer.alloc(0), 16)
  const iv = expand(secret, 'iv', Buffer.alloc(0), 12)
  let count = 0
  const nonce = () => {
    const out = Buffer.from(iv)
    out[11] = (out[11] ?? 0) ^ count++
    return out
  }
  return {
    seal(type: number, body: Buffer): Buffer {
      const plain = Buffer.concat([body, Buffer.from([type])])
      const header = Buffer.from([23, 3, 3, (plain.length + 16) >> 8, (plain.length + 16) & 0xff])
      const cipher = createCipheriv('aes-128-gcm', key, nonce()).setAAD(header)
      return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open({ header, body }: Record): { type: number; body: Buffer } {
      const decipher = createDecipheriv('aes-128-gcm', key, nonce()).setAAD(header)
      decipher.setAuthTag(body.subarray(-16))
      const plain = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()])
      return { type: plain.at(-1) ?? 0, body: plain.subarray(0, -1) }
    },
  }
}

function endsInFinished(flight: Buffer): boolean {
  for (let at = 0; at + 4 <= flight.length; ) {
    if (flight[at] === 20) return true
    at += 4 + flight.readUIntBE(at + 1, 3)
  }
  return false
}

async function* readRecords(socket: AsyncIterable<Buffer>): AsyncGenerator<Record> {
  let held = Buffer.alloc(0)
  for await (const piece of socket) {
    held = Buffer.concat([held, piece])
    while (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
      const length = held.readUInt16BE(3)
      yield { type: held[0] ?? 0, header: held.subarray(0, 5), body: held.subarray(5, 5 + length) }
      held = held.subarray(5 + length)
    }
  }
}

async function next(records: AsyncGenerator<Record>): Promise<Record> {
  const { value, done } = await records.next()
  if (done) throw new Error('the server hung up')
  return value
}
