/**
 * The recovery key: 32 random bytes as text for paper, shown once at `master init` and kept nowhere.
 *
 *     stemma-recovery-1-ABCD-EFGH-…   fourteen groups of four
 *
 * The letters are Crockford's base32 (no I, L, O, U) of the seed and three bytes of checksum, 35 bytes in all.
 * Always holds: reading forgives case, spaces, dashes and the letters that look like digits; any other slip is
 * caught by the checksum.
 */
import { type Refusal, refuse } from '../../schemas/fault.ts'
import { seedBytes } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hash.ts'
import type { Ids } from '../env/ids.ts'
import { type SigningKey, signingKey } from './keys.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const prefix = 'stemma-recovery-1-'
const checkBytes = 3
const textLength = ((seedBytes + checkBytes) * 8) / 5

/** A new recovery key. Only `key.public` may be kept; `text` is for the person's eyes. */
export function createRecoveryKey(ids: Ids): { readonly text: string; readonly key: SigningKey } {
  const seed = ids.bytes(seedBytes)
  return { text: formatRecoveryKey(seed), key: signingKey(seed) }
}

export function formatRecoveryKey(seed: Uint8Array): string {
  const digits = encode(Buffer.concat([seed, checksum(seed)]))
  return prefix + (digits.match(/.{4}/g) ?? []).join('-')
}

/** The key behind a text, or why it is none. The refusal never repeats what was typed. */
export function parseRecoveryKey(text: string): SigningKey | Refusal {
  const bad = (why: string) => refuse('usage', `That is not a recovery key: ${why}.`)
  const plain = text.trim().toLowerCase()
  if (!plain.startsWith(prefix)) return bad(`it does not begin with ${prefix}`)
  const digits = plain
    .slice(prefix.length)
    .replaceAll(/[\s-]/g, '')
    .replaceAll('o', '0')
    .replaceAll(/[il]/g, '1')
    .toUpperCase()
  if (digits.length !== textLength)
    return bad(`it has ${digits.length} letters and digits after its beginning instead of ${textLength}`)
  const whole = decode(digits)
  if (whole === null) return bad('it has a sign that no recovery key has')
  const seed = whole.subarray(0, seedBytes)
  if (!checksum(seed).equals(whole.subarray(seedBytes))) return bad('a letter or digit in it is wrong')
  return signingKey(seed)
}

const checksum = (seed: Uint8Array): Buffer =>
  sha256(Buffer.concat([Buffer.from('stemma/recovery/v1\0', 'latin1'), seed])).subarray(0, checkBytes)

function encode(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text
}

function decode(text: string): Buffer | null {
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const letter of text) {
    const value = alphabet.indexOf(letter)
    if (value < 0) return null
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push(held >>> bits)
      held &= (1 << bits) - 1
    }
  }
  return Buffer.from(bytes)
}
