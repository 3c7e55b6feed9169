/**
 * Reads one file of the home into the blob store.
 * Always holds: what is recorded is what was stored, byte for byte; a file that changed while it was read is
 * read again, and after the last try recorded as it was read, marked to be looked at again.
 */
import { Fault } from '../../schemas/fault.ts'
import { fileBytesMax, racyWindowMs, readTriesMax } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import { type Blobs, readPieces, type Stored } from '../blobs/blobs.ts'
import { hasher } from '../crypto/hash.ts'
import type { Disk, Stat } from '../disk/disk.ts'
import { errnoOf } from '../disk/errno.ts'
import type { Clock } from '../env/clock.ts'

/** What a file looked like when `blob` was read from it. */
export type IndexRow = {
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly ino: string
  readonly blob: Hash
  /** Read so soon after its last change that another one may bear the same time: to be read again. */
  readonly racy: boolean
}

export type Reading =
  | { readonly kind: 'read'; readonly row: IndexRow; readonly mode: number; readonly settled: boolean }
  | { readonly kind: 'gone' }
  | { readonly kind: 'too-large'; readonly size: number }
  | { readonly kind: 'unreadable'; readonly errno: string }

type Ports = { readonly disk: Disk; readonly blobs: Blobs; readonly clock: Clock }

/**
 * @param guess the content it probably has: compared first, so that nothing is written when that is so.
 * @throws what the blob store throws; faults of the file itself are returned.
 */
export async function readInto(ports: Ports, at: string, guess: Hash | undefined): Promise<Reading> {
  try {
    for (let tries = 1; ; tries++) {
      const reading = await attempt(ports, at, guess)
      if (reading.kind !== 'read' || reading.settled || tries === readTriesMax) return reading
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'too-many') return { kind: 'too-large', size: fileBytesMax + 1 }
    const errno = errnoOf(error)
    // A fault that names another path is one of the blob store: that is no property of this file.
    if (errno === null || error.facts['path'] !== at) throw error
    return error.code === 'disk-missing' ? { kind: 'gone' } : { kind: 'unreadable', errno }
  }
}

async function attempt(ports: Ports, at: string, guess: Hash | undefined): Promise<Reading> {
  const nowMs = ports.clock.now()
  const file = await ports.disk.open(at, 'read')
  try {
    const before = await file.stat()
    if (before.size > fileBytesMax) return { kind: 'too-large', size: before.size }
    const pieces = () => readPieces(file, fileBytesMax, before.size)
    const stored = (await confirm(ports.blobs, pieces, guess)) ?? (await ports.blobs.put(pieces()))
    const after = await file.stat()
    const settled = sameStat(before, after) && stored.size === after.size
    return { kind: 'read', row: rowOf(before, stored, nowMs), mode: after.mode, settled }
  } finally {
    await file.close()
  }
}

/** The guess, if the file has just that content and the store holds it. */
async function confirm(
  blobs: Blobs,
  pieces: () => AsyncIterable<Buffer>,
  guess: Hash | undefined,
): Promise<Stored | null> {
  if (guess === undefined) return null
  const digest = hasher()
  let size = 0
  for await (const piece of pieces()) {
    digest.update(piece)
    size += piece.length
  }
  return digest.hex() === guess && (await blobs.has(guess)) ? { hash: guess, size } : null
}

function rowOf(stat: Stat, stored: Stored, nowMs: number): IndexRow {
  const { mtimeMs, ctimeMs, ino } = stat
  const racy = ctimeMs >= nowMs - racyWindowMs || Math.abs(mtimeMs - nowMs) <= racyWindowMs
  return { size: stored.size, mtimeMs, ctimeMs, ino, blob: stored.hash, racy }
}

type Look = Pick<Stat, 'size' | 'mtimeMs' | 'ctimeMs' | 'ino'>
export const sameStat = (a: Look, b: Look): boolean =>
  a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino
