/** SHA-256, the only hash of this house, over bytes and over streams. */
import { createHash, createHmac, hash as oneShot } from 'node:crypto'
import type { Hash } from '../../schemas/shape.ts'

/**
 * 32 bytes. Out of the one-shot function as text and from there into Node's pool of small buffers: a buffer of its
 * own per hash costs more than the hashing, and the fold makes three an entry.
 */
export const sha256 = (data: Uint8Array): Buffer => Buffer.from(oneShot('sha256', data, 'binary'), 'binary')
/** 64 hex digits. */
export const sha256Hex = (data: Uint8Array): Hash => oneShot('sha256', data, 'hex') as Hash

/** HMAC-SHA-256 in hex: a digest that only who holds the key can make. */
export const hmac = (key: Uint8Array, data: Uint8Array): Hash =>
  createHmac('sha256', key).update(data).digest('hex') as Hash

/** Hashes what is fed to it, piece by piece. */
export function hasher(): { update(data: Uint8Array): void; hex(): Hash } {
  const inner = createHash('sha256')
  return {
    update: (data) => void inner.update(data),
    hex: () => inner.digest('hex') as Hash,
  }
}

/** Hex as held in memory, from bytes as they lie on disk and wire. */
export const toHash = (bytes: Uint8Array): Hash =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') as Hash
export const fromHash = (hash: Hash): Buffer => Buffer.from(hash, 'hex')
