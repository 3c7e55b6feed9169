/**
 * The blob store: file contents by their SHA-256, in one flat folder.
 * Always holds: a named blob is whole (temporary file, sync, rename); what is read back is hashed again, and a
 * blob that does not match its name is set aside, never handed out as good. After `settle` the names of all
 * blobs put so far are durable; only then may an entry name them.
 */

import { dirname } from 'node:path'
import { size as inUnits } from '../../schemas/amount.ts'
import { Fault } from '../../schemas/fault.ts'
import { fileBytesMax } from '../../schemas/limits.ts'
import { type Hash, isHash } from '../../schemas/shape.ts'
import { hasher } from '../crypto/hash.ts'
import type { Disk, DiskFile, Stat } from '../disk/disk.ts'
import { settleName } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'

const chunkBytes = 256 * 1024
/** Room beyond the expected length, to find the end there and a little growth. */
const endBytes = 1024
/** A call or two of the disk for each: others have their turn in between. */
const breatheEvery = 200
const tempMark = 'tmp-'
const damagedMark = 'damaged-'

type Known = {
  stat: Stat | null
  readonly here: Set<Hash>
  /** Contents of which a copy that does not match its name was set aside. */
  readonly damaged: Set<Hash>
}

export type Stored = { readonly hash: Hash; readonly size: number }

/**
 * Pieces of an open file, at most `limitBytes` in all, read until the end.
 * @param expectedBytes its length, as far as known: small files take small buffers.
 */
export async function* readPieces(
  file: DiskFile,
  limitBytes: number,
  expectedBytes: number,
): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    // Once it is longer than it was said to be, nothing is known of its end.
    const leftBytes = at > expectedBytes ? chunkBytes : expectedBytes - at
    const piece = Buffer.allocUnsafe(Math.min(chunkBytes, leftBytes + endBytes))
    const got = await file.read(piece, at)
    if (got === 0) return
    at += got
    if (at > limitBytes)
      throw new Fault('too-many', `A file grew beyond ${inUnits(limitBytes)} while it was read.`)
    yield piece.subarray(0, got)
  }
}

export class Blobs {
  readonly #disk: Disk
  readonly #ids: Ids
  readonly #dir: string
  /** Contents put by this run whose names may not be durable yet. */
  readonly #fresh = new Set<Hash>()
  /** From the start: a run that was cut off may have left names, and the folder's own, that are not durable yet. */
  #unsettled = true
  #settling: Promise<unknown> = Promise.resolve()
  /** What lies in the folder, for as long as nobody else changes it. */
  #known: Known | null = null
  #changing = 0
  /** Counts the changes that began. */
  #turn = 0

  constructor(disk: Disk, ids: Ids, dir: string) {
    this.#disk = disk
    this.#ids = ids
    this.#dir = dir
  }

  pathOf(hash: Hash): string {
    return `${this.#dir}/${hash}`
  }

  /** Makes the folder and removes what a crash left half written. */
  async open(): Promise<void> {
    await this.#disk.makeDir(this.#dir, 0o700)
    for (const entry of (await this.#disk.list(this.#dir)) ?? []) {
      if (entry.name.startsWith(tempMark)) await this.#disk.unlink(`${this.#dir}/${entry.name}`)
    }
  }

  async has(hash: Hash): Promise<boolean> {
    return (await this.#disk.stat(this.pathOf(hash)))?.kind === 'file'
  }

  /** Which of these contents are not here, each once, in their order: one look at the folder for all of them. */
  async lacking(hashes: Iterable<Hash>): Promise<Hash[]> {
    const { here } = await this.#look()
    return [...new Set(hashes)].filter((hash) => !here.has(hash))
  }

  /** The length of a content, null when it is not here. */
  async sizeOf(hash: Hash): Promise<number | null> {
    const stat = await this.#disk.stat(this.pathOf(hash))
    return stat?.kind === 'file' ? stat.size : null
  }

  /** A whole content in memory; null when it does not match its name (it is then set aside). */
  async readWhole(hash: Hash): Promise<Buffer | null> {
    const pieces: Buffer[] = []
    if (!(await this.#drain(hash, (piece) => pieces.push(piece)))) return null
    const [only] = pieces
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces)
  }

  /** Whether a content matches its name; one that does not is set aside. */
  isSound(hash: Hash): Promise<boolean> {
    return this.#drain(hash, () => undefined)
  }

  /**
   * Stores what `source` yields. The content is durable on return, its name after `settle`.
   * @param expected refuses (fault `bad-signature`) any other content.
   */
  async put(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, expected?: Hash): Promise<Stored> {
    const temp = `${this.#dir}/${tempMark}${this.#ids.name()}`
    const file = await this.#change(() => this.#disk.open(temp, 'create', 0o600))
    try {
      let stored: Stored
      let known: boolean
      try {
        stored = await fill(file, source)
        if (expected !== undefined && stored.hash !== expected)
          throw new Fault('bad-signature', 'A file arrived with another content than the log names.', {
            expected,
          })
        known = await this.has(stored.hash)
        if (!known) await file.sync()
      } finally {
        await file.close()
      }
      await this.#change(
        async () => {
          if (known) await this.#disk.unlink(temp)
          else await this.#disk.rename(temp, this.pathOf(stored.hash))
        },
        ({ here }) => here.add(stored.hash),
      )
      this.#fresh.add(stored.hash)
      return stored
    } catch (error) {
      // The first failure is the one to tell; what cannot be removed now is swept at the next start.
      await this.#change(() => this.#disk.unlink(temp)).catch(() => false)
      throw error
    }
  }

  /** Makes the names of all blobs put before this call durable. */
  settle(): Promise<void> {
    const turn = this.#settling.then(() => this.#settle())
    this.#settling = turn.catch(() => undefined)
    return turn
  }

  async #settle(): Promise<void> {
    if (this.#fresh.size === 0 && !this.#unsettled) return
    // Taken first: what is put from here on is left to the next call.
    const fresh = [...this.#fresh]
    this.#fresh.clear()
    try {
      // Windows cannot sync a folder: each file carries its own name.
      if (this.#disk.windows) {
        for (const hash of fresh) if (await this.has(hash)) await settleName(this.#disk, this.pathOf(hash))
      } else await this.#disk.syncDir(this.#dir)
      if (this.#unsettled) await this.#disk.syncDir(dirname(this.#dir))
      this.#unsettled = false
    } catch (error) {
      for (const hash of fresh) this.#fresh.add(hash)
      throw error
    }
  }

  /** The content in pieces; a fault `blob-damaged` at the end when it does not match its name. */
  async *read(hash: Hash): AsyncGenerator<Buffer> {
    const file = await this.#disk.open(this.pathOf(hash), 'read').catch((error: unknown) => {
      // Not every volume tells by the times of a folder that a file in it went.
      this.#known = null
      throw error
    })
    const digest = hasher()
    try {
      const { size } = await file.stat()
      for await (const piece of readPieces(file, fileBytesMax, size)) {
        digest.update(piece)
        yield piece
      }
    } finally {
      await file.close()
    }
    if (digest.hex() !== hash) {
      await this.#change(
        () => this.#disk.rename(this.pathOf(hash), `${this.#dir}/${damagedMark}${hash}`),
        (known) => {
          known.here.delete(hash)
          known.damaged.add(hash)
        },
      )
      throw new Fault('blob-damaged', `The stored copy of file content ${hash.slice(0, 12)} is damaged.`, {
        hash,
      })
    }
  }

  /** Removes every blob that `keep` does not name, and damaged copies that are of no more use; returns how many blobs. */
  async sweep(keep: ReadonlySet<Hash>, breathe: () => Promise<void> = async () => {}): Promise<number> {
    let [removed, seen] = [0, 0]
    const { here, damaged } = await this.#look()
    const remove = (name: string, note: (known: Known) => void) =>
      this.#change(() => this.#disk.unlink(`${this.#dir}/${name}`), note)
    for (const hash of [...damaged])
      if (!keep.has(hash) || here.has(hash))
        await remove(`${damagedMark}${hash}`, (known) => known.damaged.delete(hash))
    for (const hash of [...here]) {
      if (keep.has(hash)) continue
      if (await remove(hash, (known) => known.here.delete(hash))) removed++
      if (++seen % breatheEvery === 0) await breathe()
    }
    return removed
  }

  /** The folder as it is: read anew when its times say that somebody else changed it. */
  async #look(): Promise<Known> {
    const turn = this.#turn
    const stat = await this.#disk.stat(this.#dir)
    if (this.#known && sameTimes(this.#known.stat, stat)) return this.#known
    const here = new Set<Hash>()
    const damaged = new Set<Hash>()
    for (const { name, kind } of (await this.#disk.list(this.#dir)) ?? []) {
      const hash = name.startsWith(damagedMark) ? name.slice(damagedMark.length) : name
      if (!isHash(hash)) continue
      if (hash !== name) damaged.add(hash)
      else if (kind === 'file') here.add(hash)
    }
    // Looked at before it was listed: a change of others in between shows at the next look, one of ours spoils this one.
    const known = { stat, here, damaged }
    if (turn === this.#turn && this.#changing === 0) this.#known = known
    return known
  }

  /** The folder's facts; null when they cannot be had, which is no fault of what is done in it. */
  async #times(): Promise<Stat | null> {
    try {
      return await this.#disk.stat(this.#dir)
    } catch (error) {
      if (error instanceof Fault) return null
      throw error
    }
  }

  /**
   * A change of ours to the folder: what is known of it stays known, with what `note` says. Of several at once nobody
   * knows whose the times are: then it is listed again.
   */
  async #change<T>(act: () => Promise<T>, note: (known: Known) => void = () => {}): Promise<T> {
    const turn = ++this.#turn
    this.#changing++
    const isAlone = () => turn === this.#turn && this.#changing === 1
    try {
      const before = this.#known
      const isKnown = before !== null && isAlone() && sameTimes(before.stat, await this.#times())
      const done = await act()
      const stat = isKnown ? await this.#times() : null
      if (isKnown && isAlone() && this.#known === before) {
        before.stat = stat
        note(before)
      } else this.#known = null
      return done
    } catch (error) {
      this.#known = null
      throw error
    } finally {
      this.#changing--
    }
  }

  async #drain(hash: Hash, take: (piece: Buffer) => void): Promise<boolean> {
    try {
      for await (const piece of this.read(hash)) take(piece)
      return true
    } catch (error) {
      if (error instanceof Fault && error.code === 'blob-damaged') return false
      throw error
    }
  }
}

const sameTimes = (a: Stat | null, b: Stat | null): boolean =>
  a !== null && b !== null && a.ino === b.ino && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs

/** Writes all that `source` yields, and no more than a file may have: what a peer sends ends somewhere. */
async function fill(
  file: DiskFile,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Stored> {
  const digest = hasher()
  let size = 0
  for await (const piece of source) {
    if (size + piece.length > fileBytesMax)
      throw new Fault('too-many', `A file is larger than ${inUnits(fileBytesMax)}.`)
    digest.update(piece)
    await file.write([piece], size)
    size += piece.length
  }
  return { hash: digest.hex(), size }
}
