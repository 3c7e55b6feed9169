/** Records of a log as they lie in it: sent within the reader's credit, and looked at when they arrive. */
import type { Wire } from '../../engine/env/wire.ts'
import type { Log } from '../../engine/log/log.ts'
import { kindOf } from '../../engine/log/record.ts'
import { Fault } from '../../schemas/fault.ts'
import { creditEntries, sentBytesTarget } from '../../schemas/limits.ts'
import type { Amount, Credit } from './credit.ts'
import { say } from './talk.ts'

/** What payloads count for: heads are bytes, not entries. */
export const tally = (payloads: readonly Uint8Array[]): Amount => ({
  entries: payloads.filter((payload) => kindOf(payload) === 'entry').length,
  bytes: payloads.reduce((sum, payload) => sum + payload.length, 0),
})

/** Each of them an entry or a head: what is neither could be gathered without end before anybody reads it. */
export function mustBeRecords(payloads: readonly Uint8Array[]): void {
  for (const payload of payloads) {
    const kind = kindOf(payload)
    if (kind !== 'entry' && kind !== 'head')
      throw new Fault('protocol', 'Something came that is neither an entry nor a head.')
  }
}

/** Everything from entry `from` to the newest head; returns the number of the next entry. */
export async function sendRecords(
  wire: Wire,
  log: Pick<Log, 'records'>,
  from: number,
  credit: Credit,
  signal: AbortSignal,
): Promise<number> {
  let next = from
  let records: Buffer[] = []
  let bytes = 0
  const flush = async () => {
    if (records.length === 0) return
    const amount = tally(records)
    await credit.take(amount, signal)
    await say(wire, { t: 'entries', records })
    next += amount.entries
    records = []
    bytes = 0
  }
  for await (const run of log.records(from)) {
    for (const payload of run) {
      if (records.length >= creditEntries || bytes + payload.length > sentBytesTarget) await flush()
      records.push(payload)
      bytes += payload.length
    }
  }
  await flush()
  return next
}
