/**
 * Verify and fold: a log of 100,000 entries is opened by somebody who believes nothing: checksums, chain, every
 * head's signature, every rule of the fold, and the state's hash.
 * The floor reads the same file and hashes each record.
 */
import { readFileSync, statSync } from 'node:fs'
import { sha256 } from '../engine/crypto/hash.ts'
import type { DiskFile } from '../engine/disk/disk.ts'
import { openDisk } from '../engine/disk/real.ts'
import { State } from '../engine/fold/state.ts'
import { verifyRun } from '../engine/log/batch.ts'
import { RecordReader, readRecord } from '../engine/log/record.ts'
import { type Care, replay } from '../engine/log/replay.ts'
import { openSegment } from '../engine/log/segment.ts'
import { isRefusal, toFault } from '../schemas/fault.ts'
import { batchEntriesMax } from '../schemas/limits.ts'
import { batchEntries, makeEvents, makeLog, segmentOf } from './append.ts'
import type { Contest } from './contest.ts'
import { Random } from './random.ts'
import type { Scratch } from './scratch.ts'

/** As many batches as fit into what a follower verifies at once (`batchEntriesMax`). */
const runBatches = Math.floor((batchEntriesMax - 1) / batchEntries)

export async function verifyContest(
  scratch: Scratch,
  seed: number,
  batches: number,
  rounds: number,
): Promise<Contest> {
  const entries = batches * batchEntries
  const folder = scratch.folder('verify')
  const random = new Random(seed)
  const { log, append } = await makeLog(folder)
  for (let batch = 0; batch < batches; batch++)
    await append(makeEvents(random, batch * batchEntries, batchEntries))
  const { seq } = log.head
  await log.close()
  const path = segmentOf(folder)
  const disk = await openDisk(folder)

  /** Opens the segment and times what `work` makes of it, the opening included. */
  async function timed(work: (file: DiskFile, from: number, to: number) => Promise<number>): Promise<number> {
    const began = performance.now()
    const file = await disk.open(path, 'read')
    try {
      const opened = await openSegment(file, false)
      if (isRefusal(opened)) throw toFault(opened)
      const reached = await work(file, opened.bodyAt, (await file.stat()).size)
      if (reached !== seq) throw new Error(`bug: the fold ended at entry ${reached} of ${seq}`)
    } finally {
      await file.close()
    }
    return (entries / (performance.now() - began)) * 1_000
  }

  const replayed = (care: Care) => () =>
    timed(async (file, from, to) => (await replay(file, from, to, new State(), care)).head?.seq ?? 0)
  const inRuns = () =>
    timed(async (file, from, to) => {
      const state = new State()
      const reader = new RecordReader(file, from, to)
      let run: Buffer[] = []
      let heads = 0
      const take = () => {
        const taken = run.length > 0 ? verifyRun(state, run) : null
        if (taken !== null && isRefusal(taken)) throw toFault(taken)
        run = []
      }
      for (let records = await reader.next(); records !== null; records = await reader.next()) {
        for (const { kind, payload } of records) {
          run.push(payload)
          if (kind === 'head' && ++heads % runBatches === 0) take()
        }
      }
      take()
      return state.at.seq
    })

  async function readAndHash(): Promise<number> {
    const began = performance.now()
    const content = readFileSync(path)
    let seen = 0
    for (let at = 64; at < content.length; ) {
      const record = readRecord(content, at, 0)
      if (record === 'short' || !('kind' in record)) throw new Error('bug: the log cannot be read')
      sha256(record.payload)
      if (record.kind === 'entry') seen++
      at = record.end
    }
    return (seen / (performance.now() - began)) * 1_000
  }

  return {
    id: 'verify',
    what: `open, verify and fold a log of ${entries} entries in ${batches} batches (${(statSync(path).size / 1e6).toFixed(0)} MB)`,
    unit: 'entries/s',
    better: 'more',
    rounds,
    contenders: [
      { name: 'stemma', role: 'ours', measure: replayed('signatures') },
      { name: 'read and SHA-256', role: 'floor', measure: readAndHash },
      { name: 'stemma, as a follower takes it', role: 'ours', measure: inRuns },
      { name: 'stemma, state hash at each head', role: 'ours', measure: replayed('every') },
    ],
    aims: [{ side: 'stemma', least: 100_000, text: 'stemma ≥ 100,000 entries/s' }],
    notes: [
      'stemma: every entry, the signature of every head, the state hash at the end',
      `as a follower takes it: in runs of ${runBatches} batches, the state hash at the end of each`,
    ],
  }
}
