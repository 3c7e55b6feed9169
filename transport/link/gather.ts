/**
 * Asks for file contents and stores what comes.
 * Always holds: no more than two asks are open at once, so that one can be answered while the next is under way;
 * whatever way it ends, nothing half received stays behind.
 */
import type { Blobs } from '../../engine/blobs/blobs.ts'
import { fromHash } from '../../engine/crypto/hash.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { needHashesMax } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { Down, Up } from '../../schemas/wire/index.ts'
import { Collector } from './collect.ts'
import type { Amount } from './credit.ts'
import { say } from './talk.ts'

export type GatherTalk = {
  /** How long the contents are, where that is known. */
  readonly sizes?: ReadonlyMap<Hash, number>
  readonly wire: Wire
  /** The next message; the signal ends the wait for it. */
  readonly hear: (signal: AbortSignal) => Promise<Up | Down>
  readonly acknowledge: (more: Amount) => Promise<void>
  /** How many were settled by one message, and how many bytes it brought. */
  readonly arrived?: (count: number, bytes: number) => void
  /** A message that is no content: kept for later, or refused by throwing. */
  readonly other: (message: Up | Down) => void
}

/** All of `hashes` that the other side has are durable in content on return; those that it lacks are returned. */
export async function gather(
  blobs: Blobs,
  hashes: readonly Hash[],
  talk: GatherTalk,
): Promise<readonly Hash[]> {
  const collector = new Collector(blobs, hashes, talk.sizes)
  let asked = 0
  try {
    while (!collector.done) {
      while (asked < hashes.length && asked - collector.settled <= needHashesMax) {
        const next = hashes.slice(asked, asked + needHashesMax)
        asked += next.length
        await say(talk.wire, { t: 'need', hashes: next.map(fromHash) })
      }
      const message = await talk.hear(collector.failed)
      const before = collector.settled
      if (message.t === 'blob') {
        await collector.take(message.parts)
        const bytes = message.parts.reduce((sum, part) => sum + part[2].length, 0)
        talk.arrived?.(collector.settled - before, bytes)
        await talk.acknowledge({ entries: 0, bytes })
      } else if (message.t === 'lack') collector.lack(message.hashes)
      else talk.other(message)
    }
    return await collector.finish()
  } finally {
    await collector.abort()
  }
}
