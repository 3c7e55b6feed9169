/**
 * The text of one key file: its role, its public half, and the private key as PKCS8 in PEM.
 *
 *     stemma-key-1 log
 *     public 8c1b…
 *     -----BEGIN PRIVATE KEY-----
 *     MC4CAQAwBQYDK2VwBCIEI…
 *     -----END PRIVATE KEY-----
 *
 * openssl reads it (text before the first dashes is a comment to it). The role tells swapped files, and the
 * public half tells a damaged private one, which would otherwise be just another valid key.
 * Always holds: a file that parses is byte for byte what `formatKeyFile` writes.
 */
import { fromSeed, pkcs8, publicOf } from '../crypto/ed25519.ts'
import { sealKey, sealPkcs8 } from '../crypto/x25519.ts'

export type KeyFileRole = 'log' | 'node' | 'seal'

const secretBytes = 32

export function formatKeyFile(role: KeyFileRole, secret: Uint8Array): Buffer {
  const seal = role === 'seal'
  const raw = seal ? sealKey(secret).public : publicOf(fromSeed(secret))
  const der = seal ? sealPkcs8(secret) : pkcs8(secret)
  return Buffer.from(
    `stemma-key-1 ${role}\npublic ${raw.toString('hex')}\n` +
      `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`,
    'latin1',
  )
}

/** The 32 private bytes; null for anything but a whole, undamaged file of this role. */
export function parseKeyFile(role: KeyFileRole, content: Uint8Array): Buffer | null {
  const line = Buffer.from(content).toString('latin1').split('\n')[3] ?? ''
  const secret = Buffer.from(line, 'base64').subarray(-secretBytes)
  if (secret.length !== secretBytes) return null
  return formatKeyFile(role, secret).equals(content) ? secret : null
}
