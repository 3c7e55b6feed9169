/**
 * A log of a million entries: edits of months, in a home that stays as large as it was. How long does its master take
 * to start, how long does a follower take that was away for all of it, or for its last part, and what do the processes
 * hold meanwhile?
 * Always holds: the entries are appended by the engine, which compacts as it does at work; the newest entry of every
 * path names what lies in the home, so that a start publishes nothing and only the log is measured.
 */
import { chmodSync, cpSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { platform } from 'node:os'
import { join, relative } from 'node:path'
import { fromHash, sha256 } from '../engine/crypto/hash.ts'
import { openDisk } from '../engine/disk/real.ts'
import { systemClock, systemIds } from '../engine/env/system.ts'
import { Master as Writer } from '../engine/master.ts'
import type { Event } from '../schemas/event/index.ts'
import { isRefusal, toFault } from '../schemas/fault.ts'
import { parseLink } from '../schemas/link.ts'
import { figureOf, sideOf } from './contest.ts'
import { makeHome } from './home.ts'
import { peakMb } from './idle.ts'
import type { Amount } from './join.ts'
import { command, type Homes, homesIn, Master, stemma } from './machines.ts'
import { Random } from './random.ts'
import type { Figure } from './report.ts'
import type { Scratch } from './scratch.ts'

/** In all, and how many of them are the last part, with a head of their own for every few: edits as people save them. */
export type LongPlan = { readonly entries: number; readonly lately: number }

const batchEntries = 1_000
const savedAtOnce = 10
const lookEveryMs = 5

export async function longFigures(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  { entries, lately }: LongPlan,
  rounds: number,
): Promise<readonly Figure[]> {
  const random = new Random(seed)
  const master = await Master.start(scratch, 'long', (home) => void makeHome(home, { seed, ...amount }))
  const port = portOf(master)
  const old = await Away.join(scratch, master, 'away-for-all')
  await master.stop()
  await grow(master.homes, random, entries - lately, batchEntries)
  await master.serve(port)
  const late = await Away.join(scratch, master, 'away-lately')
  await master.stop()
  await grow(master.homes, random, lately, savedAtOnce)

  const times = { start: [] as number[], all: [] as number[], lately: [] as number[], floor: [] as number[] }
  const bare: number[] = []
  const peaks = { serve: [] as number[], all: [] as number[], lately: [] as number[], bare: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    const startMs = await master.serve(port)
    const all = await old.sync()
    const part = await late.sync()
    const servePeak = peakMb(master.pid)
    await master.stop()
    const nothing = await watched(scratch, ['-e', '0'])
    const readMs = readAndHash(master.homes)
    // The first round is not counted, as everywhere.
    if (round === 0) continue
    times.start.push(startMs)
    times.all.push(all.ms)
    times.lately.push(part.ms)
    times.floor.push(readMs)
    bare.push(nothing.ms)
    peaks.serve.push(servePeak)
    peaks.all.push(all.peakMb)
    peaks.lately.push(part.peakMb)
    peaks.bare.push(nothing.peakMb)
  }
  const shared = { better: 'less' as const, rounds }
  const count = (number: number) => number.toLocaleString('en-US')
  const floors = [
    sideOf('the log read and SHA-256', 'floor', times.floor),
    sideOf('node -e 0', 'floor', bare),
  ]
  const figures: Figure[] = [
    figureOf(
      {
        ...shared,
        id: 'long-start',
        what: `from the start of \`master serve\` to its \`listening\`, ${count(entries)} entries behind it, ${amount.files} files`,
        unit: 'ms',
        aims: [{ side: 'master serve', most: 3_000, text: 'master serve ≤ 3 s' }],
      },
      [sideOf('master serve', 'ours', times.start), ...floors],
    ),
    figureOf(
      {
        ...shared,
        id: 'long-behind',
        what: `\`stemma sync\` of a follower that is ${count(entries)} entries behind`,
        unit: 'ms',
        aims: [{ side: 'sync', most: 20_000, text: 'sync ≤ 20 s' }],
        notes: ['what the master no longer keeps entry by entry comes as the state that they lead to'],
      },
      [sideOf('sync', 'ours', times.all), ...floors],
    ),
    figureOf(
      {
        ...shared,
        id: 'long-lately',
        what: `the same of one that is ${count(lately)} behind, all of which the master still keeps, a head for every ${savedAtOnce}`,
        unit: 'ms',
        aims: [{ side: 'sync', most: 20_000, text: 'sync ≤ 20 s' }],
      },
      [sideOf('sync', 'ours', times.lately), ...floors],
    ),
  ]
  if (platform() !== 'linux') return figures
  return [
    ...figures,
    figureOf(
      {
        ...shared,
        id: 'long-memory',
        what: 'most resident memory of each of these processes',
        unit: 'MB',
        beside: 'node -e 0',
        aims: [
          { side: 'master serve', most: 250, text: 'master serve ≤ 250 MB' },
          { side: 'sync, all', most: 250, text: 'sync, all ≤ 250 MB' },
          { side: 'sync, lately', most: 250, text: 'sync, lately ≤ 250 MB' },
        ],
      },
      [
        sideOf('master serve', 'ours', peaks.serve),
        sideOf('sync, all', 'ours', peaks.all),
        sideOf('sync, lately', 'ours', peaks.lately),
        sideOf('node -e 0', 'floor', peaks.bare),
      ],
    ),
  ]
}

/** Appends edits of the files that are there, in batches of `atOnce`; the last ones bring back what there was. */
async function grow({ STEMMA_HOME }: Homes, random: Random, count: number, atOnce: number): Promise<void> {
  const disk = await openDisk(STEMMA_HOME)
  const writer = await Writer.open({ disk, ids: systemIds, clock: systemClock, stemmaHome: STEMMA_HOME })
  try {
    const files = [...writer.files].map(([path, { exec, size, blob }]): Event & { type: 'file.put' } => ({
      type: 'file.put',
      body: { path, exec, size, blob: fromHash(blob) },
    }))
    for (let done = 0; done < count; ) {
      const part: Event[] = []
      for (; part.length < atOnce && done < count; done++) {
        const put = files[done % files.length]
        if (!put) throw new Error('bug: a home without a file')
        const isLast = done >= count - files.length
        part.push(isLast ? put : { ...put, body: { ...put.body, blob: random.bytes(32) } })
      }
      await writer.append(part)
    }
  } finally {
    await writer.close()
  }
}

type Spent = { readonly ms: number; readonly peakMb: number }

/** A follower that was level once, and is put back to that moment before every sync. */
class Away {
  readonly #scratch: Scratch
  readonly #homes: Homes
  readonly #kept: string

  private constructor(scratch: Scratch, homes: Homes, kept: string) {
    this.#scratch = scratch
    this.#homes = homes
    this.#kept = kept
  }

  static async join(scratch: Scratch, master: Master, name: string): Promise<Away> {
    const homes = homesIn(scratch.folder(name))
    await stemma(scratch, homes, 'follower', 'join', master.link, '--yes', '--json')
    const kept = join(scratch.folder(`${name}-kept`), 'stemma')
    copyWithModes(homes.STEMMA_HOME, kept)
    return new Away(scratch, homes, kept)
  }

  async sync(): Promise<Spent> {
    renameSync(this.#homes.STEMMA_HOME, join(this.#scratch.folder('earlier'), 'stemma'))
    copyWithModes(this.#kept, this.#homes.STEMMA_HOME)
    return watched(this.#scratch, [command, 'sync', '--json'], this.#homes)
  }
}

/** Node 22 and later give copied folders the modes of new ones, and keys that others could read are refused. */
function copyWithModes(from: string, to: string): void {
  cpSync(from, to, { recursive: true })
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = relative(from, join(entry.parentPath, entry.name))
    chmodSync(join(to, path), statSync(join(from, path)).mode)
  }
}

/** Runs Node to its end. Its peak only grows, so the last look at it is off by what came in the very last moment. */
async function watched(
  scratch: Scratch,
  args: readonly string[],
  homes: Partial<Homes> = {},
): Promise<Spent> {
  let peak = 0
  let looking: NodeJS.Timeout | undefined
  const started = (pid: number) => {
    looking = setInterval(() => {
      peak = Math.max(peak, peakMb(pid))
    }, lookEveryMs)
  }
  try {
    const { ms } = await scratch.run(process.execPath, args, { ...homes }, { started })
    return { ms, peakMb: peak }
  } finally {
    clearInterval(looking)
  }
}

function readAndHash({ STEMMA_HOME }: Homes): number {
  const folder = join(STEMMA_HOME, 'log')
  const began = performance.now()
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.seg')))
    sha256(readFileSync(join(folder, name)))
  return performance.now() - began
}

function portOf({ link: text }: Master): number {
  const link = parseLink(text)
  if (isRefusal(link)) throw toFault(link)
  return link.port
}
