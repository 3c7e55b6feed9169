/**
 * Receives file contents into the blob store.
 * Always holds: parts are taken only in the order they were asked for and only of what was asked for; a content
 * is named only after its hash was checked; at most `putsAtOnceMax` contents are being made durable at once.
 */
import type { Blobs } from '../../engine/blobs/blobs.ts'
import { fromHash } from '../../engine/crypto/hash.ts'
import { Fault } from '../../schemas/fault.ts'
import { putsAtOnceMax } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { BlobPart } from '../../schemas/wire/index.ts'
import { Pipe } from './pipe.ts'

export class Collector {
  readonly #blobs: Blobs
  readonly #expected: Hash[]
  readonly #puts = new Set<Promise<void>>()
  readonly #lacking: Hash[] = []
  #pipe: Pipe | null = null
  #received = 0
  #failed: unknown = null

  constructor(blobs: Blobs, hashes: readonly Hash[]) {
    this.#blobs = blobs
    this.#expected = [...hashes]
  }

  get done(): boolean {
    return this.#expected.length === 0
  }

  async take(parts: readonly BlobPart[]): Promise<void> {
    for (const [raw, at, bytes, size] of parts) {
      const hash = this.#expected[0]
      if (hash === undefined || !fromHash(hash).equals(raw) || at !== this.#received || at + bytes.length > size)
        throw new Fault('protocol', 'The other side sent file content that was not asked for.')
      if (!this.#pipe) {
        while (this.#puts.size >= putsAtOnceMax) await Promise.race(this.#puts)
        this.#pipe = new Pipe()
        this.#begin(this.#pipe, hash)
      }
      await this.#pipe.push(bytes)
      this.#received += bytes.length
      if (this.#received === size) {
        this.#pipe.end()
        this.#next()
      }
      this.#check()
    }
  }

  lack(hashes: readonly Uint8Array[]): void {
    for (const raw of hashes) {
      const hash = this.#expected[0]
      if (hash === undefined || !fromHash(hash).equals(raw) || this.#pipe)
        throw new Fault('protocol', 'The other side spoke of file content that was not asked for.')
      this.#lacking.push(hash)
      this.#next()
    }
  }

  /** Waits until everything received is durable; what the other side did not have is returned. */
  async finish(): Promise<readonly Hash[]> {
    await Promise.all(this.#puts)
    this.#check()
    return this.#lacking
  }

  /** Gives up what is under way, leaving no temporary file behind. */
  async abort(): Promise<void> {
    this.#pipe?.fail(new Fault('unreachable', 'The link ended in the middle of a file.'))
    await Promise.all(this.#puts)
  }

  #begin(pipe: Pipe, hash: Hash): void {
    const put = this.#blobs.put(pipe, hash).then(
      () => undefined,
      (error: unknown) => {
        this.#failed ??= error
        pipe.cancel()
      },
    )
    this.#puts.add(put)
    void put.then(() => this.#puts.delete(put))
  }

  #next(): void {
    this.#expected.shift()
    this.#pipe = null
    this.#received = 0
  }

  #check(): void {
    if (this.#failed) throw this.#failed
  }
}
