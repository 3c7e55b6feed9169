/**
 * Receives file contents into the blob store.
 * Always holds: parts are taken only in the order they were asked for and only of what was asked for, and every
 * message brings something; a content is named only after its hash was checked; at most `putsAtOnceMax` contents
 * are being made durable at once.
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
  readonly #expected: readonly Hash[]
  /** How many of them are settled: received whole, or lacking. */
  #settled = 0
  readonly #puts = new Set<Promise<void>>()
  readonly #lacking: Hash[] = []
  #current: { readonly pipe: Pipe; readonly size: number; received: number } | null = null
  #failed: unknown = null

  constructor(blobs: Blobs, hashes: readonly Hash[]) {
    this.#blobs = blobs
    this.#expected = hashes
  }

  get settled(): number {
    return this.#settled
  }
  get done(): boolean {
    return this.#settled === this.#expected.length
  }

  async take(parts: readonly BlobPart[]): Promise<void> {
    if (parts.length === 0) throw unasked()
    for (const [raw, at, bytes, size] of parts) {
      const hash = this.#expected[this.#settled]
      const current = this.#current
      if (hash === undefined || !fromHash(hash).equals(raw)) throw unasked()
      if (at !== (current?.received ?? 0) || size !== (current?.size ?? size)) throw unasked()
      // An empty piece is the whole of an empty content, and nothing else.
      if (at + bytes.length > size || (bytes.length === 0 && size > 0)) throw unasked()
      await this.#put(hash, bytes, size)
      this.#check()
    }
  }

  lack(hashes: readonly Uint8Array[]): void {
    for (const raw of hashes) {
      const hash = this.#expected[this.#settled]
      if (hash === undefined || !fromHash(hash).equals(raw) || this.#current) throw unasked()
      this.#lacking.push(hash)
      this.#settled++
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
    this.#current?.pipe.fail(new Fault('unreachable', 'The link ended in the middle of a file.'))
    await Promise.all(this.#puts)
  }

  async #put(hash: Hash, bytes: Uint8Array, size: number): Promise<void> {
    if (!this.#current) {
      while (this.#puts.size >= putsAtOnceMax) await Promise.race(this.#puts)
      this.#current = { pipe: this.#begin(hash), size, received: 0 }
    }
    const current = this.#current
    await current.pipe.push(bytes)
    current.received += bytes.length
    if (current.received < size) return
    current.pipe.end()
    this.#current = null
    this.#settled++
  }

  #begin(hash: Hash): Pipe {
    const pipe = new Pipe()
    const put = this.#blobs.put(pipe, hash).then(
      () => undefined,
      (error: unknown) => {
        this.#failed ??= error
        pipe.cancel()
      },
    )
    this.#puts.add(put)
    void put.then(() => this.#puts.delete(put))
    return pipe
  }

  #check(): void {
    if (this.#failed) throw this.#failed
  }
}

const unasked = (): Fault => new Fault('protocol', 'The other side sent file content that was not asked for.')
