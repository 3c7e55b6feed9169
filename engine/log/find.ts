/** Looking up entries of our own log by number. */
import { isRefusal } from '../../schemas/fault.ts'
import { checkpointEveryEntries } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import { toHash } from '../crypto/hash.ts'
import { decodeEntry } from '../fold/entry.ts'
import type { Log } from './log.ts'
import { kindOf } from './record.ts'

/** The hash of an entry; null when it was compacted away. */
export async function hashAt(log: Log, seq: number): Promise<Hash | null> {
  const mark = log.state.checkpoints[seq / checkpointEveryEntries - 1]
  if (mark) return toHash(mark.entry)
  if (seq < (await log.oldest())) return null
  for await (const run of log.records(seq)) {
    const first = run[0]
    const sealed = first ? decodeEntry(first) : null
    return sealed && !isRefusal(sealed) && sealed.entry.seq === seq ? toHash(sealed.hash) : null
  }
  return null
}

/** The entries from `seq` on, up to the first head behind them; nothing when they were compacted away. */
export async function lineFrom(log: Log, seq: number): Promise<readonly Buffer[]> {
  const out: Buffer[] = []
  if (seq < (await log.oldest())) return out
  for await (const run of log.records(seq))
    for (const payload of run) {
      out.push(payload)
      if (kindOf(payload) === 'head') return out
    }
  return out
}
