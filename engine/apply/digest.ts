/** Reading a file to know what it is, in bounded memory and through one buffer. */
import type { Hash } from '../../schemas/shape.ts'
import { hasher } from '../crypto/hash.ts'
import type { Disk, Stat } from '../disk/disk.ts'
import { errnoOf } from '../disk/errno.ts'

const pieceBytesMax = 256 * 1024

/** `stat` is that of the file after its last byte was read; `still` is false when it changed while it was read. */
export type Digest = { readonly hash: Hash; readonly stat: Stat; readonly still: boolean }

/** null when nothing is there. A symlink or special file is a fault `disk-denied`. */
export async function digestOf(
  disk: Disk,
  path: string,
  onPiece?: (piece: Buffer) => Promise<void>,
): Promise<Digest | null> {
  const file = await disk.open(path, 'read').catch((error: unknown) => {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null
    throw error
  })
  if (file === null) return null
  try {
    const before = await file.stat()
    const buffer = Buffer.allocUnsafe(Math.min(before.size + 1, pieceBytesMax))
    const digest = hasher()
    for (let at = 0; ; ) {
      const got = await file.read(buffer, at)
      if (got === 0) break
      digest.update(buffer.subarray(0, got))
      if (onPiece) await onPiece(Buffer.from(buffer.subarray(0, got)))
      at += got
    }
    const stat = await file.stat()
    return { hash: digest.hex(), stat, still: sameStat(before, stat) }
  } finally {
    await file.close()
  }
}

/** True when a file with these facts was not written in between, as far as the system's clock can tell. */
export const sameStat = (
  a: Pick<Stat, 'size' | 'mtimeMs' | 'ctimeMs' | 'ino'>,
  b: Pick<Stat, 'size' | 'mtimeMs' | 'ctimeMs' | 'ino'>,
): boolean => a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino
