/**
 * Changes of a file's content that are not durable yet, and what a power cut leaves of them.
 * Always holds: a sector (512 bytes) of old content is either old or new, never mixed; what lies beyond the
 * durable length may be lost, zero or garbage, and the length itself may be any that the file has had since.
 */
import { type Content, resize, writeAt } from './content.ts'
import type { Random } from './random.ts'

const sectorBytes = 512

export type Patch = {
  readonly step: number
  /** True when it reached the platter although no sync said so (a torn write). */
  readonly sure: boolean
} & (
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly length: number }
)

/** Decides about one unsynced step; asked once for each sector. */
export type Survives = (step: number) => boolean

export const patch = (content: Content, change: Patch): Content =>
  change.kind === 'write' ? writeAt(content, change.bytes, change.position) : resize(content, change.length)

/** The content after a power cut. `messy` allows garbage and lengths without their data. */
export function remains(
  durable: Content,
  pending: readonly Patch[],
  survives: Survives,
  messy: boolean,
  random: Random,
): Content {
  // As file systems do that write lengths before data.
  const hollow = messy && random.chance(0.15)
  let content = durable
  const lengths: number[] = []
  let length = durable.length
  for (const change of pending) {
    if (change.kind === 'resize') {
      length = change.length
      if (change.sure || survives(change.step)) content = resize(content, change.length)
    } else {
      length = Math.max(length, change.position + change.bytes.length)
      for (const sector of sectorsOf(change.position, change.bytes)) {
        if (change.sure || (!hollow && survives(change.step)))
          content = writeAt(content, sector.bytes, sector.position)
        else if (messy && !hollow && sector.position >= durable.length && random.chance(0.2))
          content = writeAt(content, random.bytes(sector.bytes.length), sector.position)
      }
    }
    lengths.push(length)
  }
  if (pending.some((change) => change.sure)) return content
  if (hollow) return resize(content, length)
  if (!messy || !random.chance(0.5)) return content
  return resize(content, lengths[random.below(lengths.length)] ?? content.length)
}

/** The pieces of a write, cut where the sectors of the file end. */
export function* sectorsOf(position: number, bytes: Buffer): Generator<{ position: number; bytes: Buffer }> {
  for (let done = 0; done < bytes.length; ) {
    const count = Math.min(bytes.length - done, sectorBytes - ((position + done) % sectorBytes))
    yield { position: position + done, bytes: bytes.subarray(done, done + count) }
    done += count
  }
}
