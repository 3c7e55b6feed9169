/**
 * S59, the master's half: a follower holds our own signature on entries that this log does not reach, because it
 * was restored from a backup. The lost tail is taken back, after the usual verification.
 * Always holds: what is asked for is bounded in bytes, in messages and in time; contents are stored before the
 * entries that name them; of two followers that could give the same back, one does.
 */

import type { Clock } from '../../engine/env/clock.ts'
import type { Wire } from '../../engine/env/wire.ts'
import type { Master } from '../../engine/master.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { recallBytesMax, recallRecordsMax, recallTimeoutMs, stallTimeoutMs } from '../../schemas/limits.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { Up } from '../../schemas/wire/index.ts'
import type { Amount } from './credit.ts'
import { gather } from './gather.ts'
import { mustBeRecords, tally } from './records.ts'
import { say } from './talk.ts'
import { within } from './within.ts'

export type RecallTalk = {
  readonly wire: Wire
  readonly hear: (signal: AbortSignal) => Promise<Up | null>
}
export type RecallContext = {
  readonly master: Master
  readonly clock: Clock
  /** Runs work that no look at the home and no clearing away of contents comes between. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
}

/** Takes back what the follower with this head has and we lost; nothing when it has no more than we. */
export async function recall(
  talk: RecallTalk,
  context: RecallContext,
  head: Uint8Array | null,
  signal: AbortSignal,
): Promise<void> {
  const { master, clock, alone } = context
  const ahead = async () => head !== null && (await master.relate(head)) === 'ahead'
  if (!(await ahead())) return
  await alone(async () => {
    signal.throwIfAborted()
    // Another follower may have given it back while this one waited.
    if (!(await ahead())) return
    const why = 'The lost entries took too long to come.'
    await within({ clock, timeoutMs: recallTimeoutMs, why }, signal, (soon) => takeTail(talk, context, soon))
    if (await ahead()) throw new Fault('protocol', 'The follower did not give back what it says it holds.')
  })
}

async function takeTail(
  { wire, hear }: RecallTalk,
  { master, clock }: RecallContext,
  signal: AbortSignal,
): Promise<void> {
  const taken = { entries: 0, bytes: 0 }
  const acknowledge = (more: Amount) => {
    taken.entries += more.entries
    taken.bytes += more.bytes
    return say(wire, { t: 'ack', ...taken })
  }
  const patience = { clock, timeoutMs: stallTimeoutMs, why: 'The lost entries do not come.' }
  const next = async (also = signal): Promise<Up> => {
    const message = await within(patience, AbortSignal.any([signal, also]), hear)
    if (message === null)
      throw new Fault('unreachable', 'The follower left while it gave back what was lost.')
    return message
  }
  // Its own enrolment may be among what was lost: our signature on what it holds counts for as much here.
  wire.welcome()
  await say(wire, { t: 'recall', from: master.head.seq + 1 })
  const payloads: Uint8Array[] = []
  for (;;) {
    const message = await next()
    if (message.t !== 'entries') throw notThat()
    if (message.records.length === 0) break
    mustBeRecords(message.records)
    for (const record of message.records) payloads.push(record)
    const amount = tally(message.records)
    if (taken.bytes + amount.bytes > recallBytesMax || payloads.length > recallRecordsMax)
      throw new Fault('too-many', 'The tail that this master lost is too long to take back.')
    await acknowledge(amount)
  }
  const other = () => {
    throw notThat()
  }
  // Where sealed contents are stands in a content: what that one names is asked for in the second turn.
  const asked = new Set<Hash>()
  for (let turn = 0; turn < 2; turn++) {
    const lacking = await master.lacking(payloads)
    if (isRefusal(lacking)) throw toFault(lacking)
    // What the follower did not have the first time it does not have now.
    const open = lacking.filter((hash) => !asked.has(hash))
    for (const hash of open) asked.add(hash)
    await gather(master.blobs, open, { wire, hear: next, acknowledge, other })
  }
  const head = await master.takeBack(payloads)
  if (isRefusal(head)) throw toFault(head)
}

const notThat = (): Fault =>
  new Fault('protocol', 'The follower was asked for what this master lost, and sent something else.')
