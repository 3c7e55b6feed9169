/**
 * Append: facts become signed, hashed, durable entries; acknowledged after fdatasync.
 * The floor is the same number of bytes appended to a plain file with one fdatasync a batch.
 */
import { closeSync, fdatasyncSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from '../engine/codec/msgpack.ts'
import { openDisk } from '../engine/disk/real.ts'
import { systemClock, systemIds } from '../engine/env/system.ts'
import { loadMasterKeys } from '../engine/keys/keys.ts'
import { Log } from '../engine/log/log.ts'
import { Master } from '../engine/master.ts'
import type { Event } from '../schemas/event/index.ts'
import { isHomePath } from '../schemas/path.ts'
import type { Contest } from './contest.ts'
import { findHypercore } from './peers.ts'
import { Random } from './random.ts'
import type { Scratch } from './scratch.ts'

export const batchEntries = 1_000
export const bodyBytes = 256
/** Different paths in one log: a large home. What is beyond them changes a file that is there. */
const pathsMax = 10_000

/** The next facts of a log, each with a body of exactly `bodyBytes` in msgpack. */
export function makeEvents(random: Random, from: number, count: number): Event[] {
  return Array.from({ length: count }, (_, index) => {
    const tail = `/file-${String((from + index) % pathsMax).padStart(6, '0')}.md`
    const path = `skills/${'s'.repeat(100)}/${'r'.repeat(pathBytes - 108 - tail.length)}${tail}`
    if (!isHomePath(path)) throw new Error(`bug: ${path} is no path of a home`)
    return { type: 'file.put', body: { path, exec: false, size: 70_000, blob: random.bytes(32) } }
  })
}

const bodySize = (path: string): number =>
  encode({ path, exec: false, size: 70_000, blob: Buffer.alloc(32) }).length
/** A path of 200 bytes has the two bytes of length that the real one has. */
const pathBytes = bodyBytes - (bodySize('p'.repeat(200)) - 200)

/** An empty log with its charter, ready to be appended to. */
export async function makeLog(folder: string) {
  const disk = await openDisk(folder)
  const place = { disk, ids: systemIds, clock: systemClock, stemmaHome: folder }
  const { master } = await Master.init(place)
  await master.close()
  const keys = await loadMasterKeys(disk, folder)
  const log = await Log.open({ disk, ids: systemIds, dir: join(folder, 'log') })
  return { log, append: (events: readonly Event[]) => log.append(events, Date.now(), keys.log.private) }
}

/** The newest segment of a log folder. */
export function segmentOf(folder: string): string {
  const names = readdirSync(join(folder, 'log')).filter((name) => name.endsWith('.seg'))
  return join(folder, 'log', names.sort().at(-1) ?? '')
}

export async function appendContest(
  scratch: Scratch,
  seed: number,
  batches: number,
  rounds: number,
): Promise<Contest> {
  const entries = batches * batchEntries
  const perSecond = (began: number) => (entries / (performance.now() - began)) * 1_000
  const random = new Random(seed)
  const allBatches = Array.from({ length: batches }, (_, batch) =>
    makeEvents(random, batch * batchEntries, batchEntries),
  )
  const blocks = allBatches.map((batch) => batch.map((event) => encode(event.body)))
  let logBytes = 0

  async function stemma(): Promise<number> {
    const folder = scratch.folder('append')
    const { log, append } = await makeLog(folder)
    const began = performance.now()
    for (const batch of allBatches) await append(batch)
    const reached = perSecond(began)
    await log.close()
    logBytes = statSync(segmentOf(folder)).size
    return reached
  }

  async function plain(): Promise<number> {
    const fd = openSync(join(scratch.folder('plain'), 'file'), 'wx')
    const part = Buffer.alloc(Math.round(logBytes / batches), 'p')
    const began = performance.now()
    for (let batch = 0; batch < batches; batch++) {
      writeSync(fd, part)
      fdatasyncSync(fd)
    }
    const reached = perSecond(began)
    closeSync(fd)
    return reached
  }

  const found = await findHypercore()
  const name = 'hypercore'
  const peer =
    typeof found === 'string'
      ? { name, why: found }
      : {
          name,
          role: 'peer' as const,
          async measure() {
            const core = found.open(scratch.folder('hypercore'))
            await core.ready()
            const began = performance.now()
            for (const batch of blocks) await core.append(batch)
            const reached = perSecond(began)
            await core.close()
            return reached
          },
        }
  return {
    id: 'append',
    what: `append ${batches} batches of ${batchEntries} entries with bodies of ${bodyBytes} bytes, each batch acknowledged after fdatasync`,
    unit: 'entries/s',
    better: 'more',
    rounds,
    contenders: [
      { name: 'stemma', role: 'ours', measure: stemma },
      { name: 'plain file', role: 'floor', measure: plain },
      peer,
    ],
    aims: [{ side: 'stemma', least: 20_000, text: 'stemma ≥ 20,000 entries/s' }],
    notes: [
      'plain file: as many bytes as the log grew by, one write and one fdatasync a batch',
      ...(typeof found === 'string' ? [] : [`hypercore ${found.version} signs each batch and syncs nothing`]),
    ],
  }
}
