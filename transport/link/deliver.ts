/**
 * Sends file contents that the other side asked for, within its credit.
 * Always holds: small contents share a message, others are cut into parts; what cannot be read in full and
 * good order is named as lacking instead (never sent half); one ask is answered after the other, and no more than
 * `asksWaitingMax` of them wait.
 */
import type { Blobs } from '../../engine/blobs/blobs.ts'
import { fromHash, toHash } from '../../engine/crypto/hash.ts'
import { Bell } from '../../engine/env/bell.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { Fault } from '../../schemas/fault.ts'
import { asksWaitingMax, blobPartBytesMax, creditEntries, sentBytesTarget } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { BlobPart } from '../../schemas/wire/index.ts'
import type { Credit } from './credit.ts'
import type { Jobs } from './jobs.ts'
import { say } from './talk.ts'

export class Deliveries {
  readonly #wire: Wire
  readonly #blobs: Blobs
  readonly #credit: Credit
  readonly #jobs: Jobs
  #waiting = 0
  readonly #answered = new Bell()

  constructor(wire: Wire, blobs: Blobs, credit: Credit, jobs: Jobs) {
    this.#wire = wire
    this.#blobs = blobs
    this.#credit = credit
    this.#jobs = jobs
  }

  /** Answers one ask, after those before it. */
  take(hashes: readonly Uint8Array[]): void {
    if (++this.#waiting > asksWaitingMax)
      throw new Fault('protocol', 'The other side asks for more before it has what it asked for.')
    this.#jobs.queue(async () => {
      await this.#deliver(hashes)
      this.#waiting--
      this.#answered.ring()
    })
  }

  /** Resolves when every ask is answered. */
  async settled(): Promise<void> {
    while (this.#waiting > 0) await this.#answered.next(this.#jobs.signal)
  }

  async #deliver(hashes: readonly Uint8Array[]): Promise<void> {
    let parts: BlobPart[] = []
    let bytes = 0
    const flush = async () => {
      if (parts.length === 0) return
      await this.#credit.take({ entries: 0, bytes }, this.#jobs.signal)
      await say(this.#wire, { t: 'blob', parts })
      parts = []
      bytes = 0
    }
    for (const raw of hashes) {
      const hash = toHash(raw)
      const content = await open(this.#blobs, hash)
      if (content === null) {
        await flush()
        await say(this.#wire, { t: 'lack', hashes: [fromHash(hash)] })
        continue
      }
      let at = 0
      for await (const whole of content.pieces) {
        for (const piece of cut(whole)) {
          if (bytes + piece.length > sentBytesTarget || parts.length >= creditEntries) await flush()
          parts.push([raw, at, piece, content.size])
          bytes += piece.length
          at += piece.length
        }
      }
    }
    await flush()
  }
}

/** At least one: an empty content is told too. */
function* cut(whole: Uint8Array): Generator<Uint8Array> {
  if (whole.length === 0) yield whole
  for (let at = 0; at < whole.length; at += sentBytesTarget) yield whole.subarray(at, at + sentBytesTarget)
}

type Content = { readonly size: number; readonly pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array> }

/** A content that is known to be sound: a small one is read here, a large one hashed before its first part goes out. */
async function open(blobs: Blobs, hash: Hash): Promise<Content | null> {
  const size = await blobs.sizeOf(hash)
  if (size === null) return null
  if (size > blobPartBytesMax) return (await blobs.isSound(hash)) ? { size, pieces: blobs.read(hash) } : null
  const small = await blobs.readWhole(hash)
  return small === null ? null : { size: small.length, pieces: [small] }
}
