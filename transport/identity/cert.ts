/**
 * The certificate that a node shows in TLS: self-signed X.509 v3 over its node key, one constant DER shape of 244
 * bytes in which only serial, key and signature differ.
 * Always holds: the same key gives the same certificate, on every machine and for ever; nothing in it is trusted
 * but the key (the pin and the log decide), so the validity is all of time and the name is constant.
 */
import { X509Certificate } from 'node:crypto'
import { fingerprint, sign, spki } from '../../engine/crypto/ed25519.ts'
import { sha256 } from '../../engine/crypto/hash.ts'
import type { SigningKey } from '../../engine/keys/keys.ts'
import { assert } from '../../schemas/fault.ts'
import type { Hash } from '../../schemas/shape.ts'

/** What TLS needs of a node: its raw public key, what others pin, and key and certificate as PEM. */
export type NodeIdentity = {
  readonly public: Buffer
  readonly fingerprint: Hash
  readonly keyPem: string
  readonly certPem: string
}

/** Makes the certificate and checks it once, so that no handshake can fail for its shape. */
export function mintIdentity(node: SigningKey): NodeIdentity {
  const cert = new X509Certificate(mintCertificate(node))
  assert(cert.verify(cert.publicKey), 'a minted certificate verifies under its own key')
  return {
    public: node.public,
    fingerprint: fingerprint(node.public),
    keyPem: node.private.export({ format: 'pem', type: 'pkcs8' }).toString(),
    certPem: cert.toString(),
  }
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
/** AlgorithmIdentifier: id-Ed25519, no parameters (RFC 8410). */
const ed25519 = '3005 0603 2b6570'
/** Name: one attribute, commonName (2.5.4.3), the UTF8String "stemma". */
const stemma = '3011 310f 300d 0603 550403 0c06 7374656d6d61'
/** UTCTime 000101000000Z to GeneralizedTime 99991231235959Z, which RFC 5280 reads as "no end". */
const validity = '3020 170d 3030303130313030303030305a 180f 39393939313233313233353935395a'
/** Extensions: basicConstraints, critical, no authority. */
const extensions = 'a310 300e 300c 0603 551d13 0101ff 0402 3000'

/** TBSCertificate (164 bytes of content): version 3, then the serial of 16 bytes. */
const bodyHead = hex('3081a4 a003 020102 0210')
const bodyMiddle = hex(ed25519 + stemma + validity + stemma)
const bodyTail = hex(extensions)
/** Certificate (241 bytes of content): the body, the algorithm, and a BIT STRING of 64 bytes. */
const certHead = hex('3081f1')
const certMiddle = hex(`${ed25519} 0341 00`)

/** 244 bytes of DER. */
export function mintCertificate(node: SigningKey): Buffer {
  const key = spki(node.public)
  // A serial must be positive and of one length: the first bits are 01.
  const serial = sha256(key).subarray(0, 16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const body = Buffer.concat([bodyHead, serial, bodyMiddle, key, bodyTail])
  return Buffer.concat([certHead, body, certMiddle, sign(node.private, body)])
}
