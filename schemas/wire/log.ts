/** The log on its way: what is wanted, the base, and the records. */
import { basePartBytesMax } from '../limits.ts'
import { bytes, bytesUpTo, count, v } from '../shape.ts'
import { signedHeadBytes } from '../signable.ts'
import { message, records } from './shape.ts'

/** Send entries from `from` on; 0 asks for a base at the newest head instead of the history. */
export const upWant = message('want', { from: count })

/** One part of the base at `head`, as it lies in a segment; `of` parts in all, `index` from 0. */
export const downBase = message('base', {
  head: bytes(signedHeadBytes),
  index: count,
  of: count,
  part: bytesUpTo(basePartBytesMax),
})

/** Entries and the heads that sign them, in the order of the log. */
export const downEntries = message('entries', { records })

/** Nothing newer exists: the newest head, re-signed when idle, so that silence can be told from a freeze. */
export const downHead = message('head', { head: bytes(signedHeadBytes) })

/** The master has lost entries that this follower has (S59): send them from `from` on. */
export const downRecall = message('recall', { from: count })
/** The answer: records as they lie in the follower's log; an empty list ends it. */
export const upEntries = message('entries', { records })

/** What has been received and dealt with since the link opened, in all: the sender's window moves by it. */
export const ack = message('ack', { entries: count, bytes: count })

/** The last message of a side, with a code of the closed list. */
export const bye = message('bye', { code: v.string(), why: v.pipe(v.string(), v.maxLength(300)) })
