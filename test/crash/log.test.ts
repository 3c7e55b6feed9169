/**
 * Q1: the log under every fault at every disk call. What was acknowledged is there afterwards, whatever struck;
 * what is there is exactly the fold of its entries; and the log can be written again at once.
 */
import { afterAll, describe, expect, test } from 'vitest'
import type { Disk } from '../../engine/disk/disk.ts'
import { State } from '../../engine/fold/state.ts'
import { step } from '../../engine/fold/step.ts'
import type { Head } from '../../engine/log/head.ts'
import { type Base, Log } from '../../engine/log/log.ts'
import type { LogPlace } from '../../engine/log/open.ts'
import { kindOf } from '../../engine/log/record.ts'
import { assert, Fault, isRefusal } from '../../schemas/fault.ts'
import {
  charter,
  keys,
  mark,
  newDisk,
  newLog,
  placeOn,
  put,
  removed,
  signedRun,
  startMs,
  stateOf,
} from '../engine/fixture.ts'
import type { SimDisk } from '../sim/disk.ts'
import { ofEachKind, sweepsAll } from '../sim/slice.ts'
import { type Outcome, type Scenario, type Swept, sweep, type World } from '../sim/sweep.ts'
import { type Careless, careless, plants } from './careless.ts'

const dir = '/stemma/log'
/** A head that somebody was told of. */
type Told = Pick<Head, 'seq' | 'entry' | 'state'>
type Run = (place: LogPlace, told: (head: Head) => void, disk: SimDisk) => Promise<void>
type Part = {
  readonly name: string
  readonly prepare?: (place: LogPlace) => Promise<void>
  readonly run: Run
}

const withLog = async (place: LogPlace, work: (log: Log) => Promise<void>): Promise<void> => {
  const log = await Log.open(place)
  try {
    await work(log)
  } finally {
    await log.close()
  }
}
const batch = (n: number) => [put(`rules/${n}.md`), put('AGENTS.md', `text ${n}`)]

/** What a follower is sent: five small batches in one run, and two bases. */
const { run, early, late } = await (async () => {
  const place = placeOn(newDisk(), 5)
  const log = await newLog(place, [batch(1)])
  const early: Base = await log.base()
  const state = stateOf(...batch(1))
  // The same entries and times as the log's, so that the run follows from its base.
  state.at = { ...log.state.at }
  const run = signedRun(state, [batch(2), batch(3), [removed('rules/1.md')], batch(4), batch(5)])
  await log.ingest(run)
  await log.append(batch(6), startMs + 9, keys.log.private)
  return { run, early, late: await log.base() }
})()

const parts: readonly Part[] = [
  {
    name: 'create',
    run: async (place, told) => {
      const log = await Log.create(place, [charter()], startMs, keys.log.private)
      told(log.head)
      await log.close()
    },
  },
  {
    name: 'append',
    prepare: async (place) => (await newLog(place, [batch(0)])).close(),
    run: (place, told, disk) =>
      withLog(place, async (log) => {
        told(await log.append(batch(1), startMs + 1, keys.log.private))
        // A batch that the disk has no room for, in part written: the next one goes where it was.
        disk.failAt(disk.calls + 1, 'ENOSPC')
        const large = [2, 3, 4, 5, 6, 7].map((n) => put(`rules/${n}/${'x'.repeat(100)}.md`))
        await log.append(large, startMs + 2, keys.log.private).catch(notFault)
        told(await log.append(batch(8), startMs + 3, keys.log.private))
      }),
  },
  {
    name: 'compact',
    prepare: async (place) => (await newLog(place, [batch(0)])).close(),
    run: (place, told) =>
      withLog(place, async (log) => {
        // A compaction that failed is no reason to stop; what is appended behind it counts like everything else.
        await log.compact(0).catch(notFault)
        told(await log.append(batch(3), startMs + 3, keys.log.private))
      }),
  },
  {
    name: 'adopt, ingest, move',
    run: async (place, told) => {
      const log = await Log.adopt(place, early)
      told(log.head)
      const head = await log.ingest(run)
      assert(!isRefusal(head), 'the run is accepted')
      told(head)
      await log.moveTo(late)
      told(log.head)
      await log.close()
    },
  },
]

function notFault(error: unknown): void {
  if (!(error instanceof Fault)) throw error
}

const placeOf = (disk: Disk, world: World<Told>): LogPlace => ({ disk, ids: world.ids, dir })

async function check(disk: SimDisk, { acked, world, after }: Outcome<Told>): Promise<void> {
  const place = placeOf(disk, world)
  if (!(await Log.exists(place))) {
    expect(acked, 'what was told of is there').toEqual([])
    const log = await Log.create(place, [charter()], startMs, keys.log.private)
    await log.close()
    if (after !== 'rebooted') world.acked.push(log.head)
    return
  }
  const log = await Log.open(place)
  expect(log.damage).toBeNull()
  const newest = acked.at(-1)
  if (newest) {
    expect(log.head.seq, 'no acknowledged entry is lost').toBeGreaterThanOrEqual(newest.seq)
    if (log.head.seq === newest.seq) {
      expect(log.head.entry).toEqual(newest.entry)
      expect(log.head.state).toEqual(newest.state)
    }
  }
  if (after !== 'rebooted') {
    await checkFold(log)
    // What this start found it relies on: it must be there after the next power cut too.
    world.acked.push(await log.append([put('again.md', world.ids.name())], startMs, keys.log.private))
  }
  await log.close()
  expect(
    disk.paths(dir).filter((path) => !/\/(?:[0-9]{16}\.seg|torn-[0-9]{16}-[a-z0-9]+)$/.test(path)),
  ).toEqual([])
}

/** The state is that of the entries, folded anew, where all of them are still there. */
async function checkFold(log: Log): Promise<void> {
  if ((await log.oldest()) !== 1) return
  const state = new State()
  for await (const run of log.records(1))
    for (const payload of run)
      if (kindOf(payload) === 'entry') expect(isRefusal(step(state, payload))).toBe(false)
  state.at = { ...state.at, timeMs: log.state.at.timeMs }
  expect(mark(state)).toBe(mark(log.state))
}

const scenario = (part: Part, windows: boolean, wrap: (disk: SimDisk) => Disk): Scenario<Told> => ({
  name: part.name,
  windows,
  // Every kind of call here, every call and twice as many reboots in the long run (`npm run test:sweep`).
  ...(sweepsAll ? { reboots: 4 } : { reboots: 2, strikes: ofEachKind }),
  async prepare(disk, world) {
    disk.plantFolder('/stemma')
    await part.prepare?.(placeOf(disk, world))
  },
  async run(disk, world) {
    await part.run(placeOf(wrap(disk), world), (head) => world.acked.push(head), disk)
  },
  check,
})

const swept: (Swept & { readonly name: string })[] = []
afterAll(() => {
  const sum = (of: keyof Swept) => swept.reduce((total, one) => total + one[of], 0)
  console.info(`log: ${sum('calls')} calls, ${sum('runs')} runs, ${sum('checks')} checks`)
})

describe('every fault at every kind of call', () => {
  for (const part of parts)
    for (const windows of [false, true])
      test(`${part.name}${windows ? ', on Windows' : ''}`, async () => {
        swept.push({ name: part.name, ...(await sweep(scenario(part, windows, (disk) => disk))) })
      })
})

describe('planted bugs are caught', () => {
  const caughtBy: Readonly<Record<Careless, string>> = {
    data: 'append',
    content: 'create',
    names: 'create',
    order: 'append',
  }
  for (const without of plants)
    test(`without ${without}`, async () => {
      const part = parts.find(({ name }) => name === caughtBy[without])
      assert(part, 'the part is there')
      const careful = scenario(part, false, (disk) => careless(disk, without))
      await expect(sweep(careful)).rejects.toThrow(`${part.name}:`)
    })
})
