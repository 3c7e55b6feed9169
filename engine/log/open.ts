/**
 * Opening a log: the newest segment's base is believed after its hash and signature were checked, its records
 * are folded, and its tail is recovered.
 */
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { batchBytesMax } from '../../schemas/limits.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import type { Ids } from '../env/ids.ts'
import type { State } from '../fold/state.ts'
import type { Head } from './head.ts'
import type { Damage } from './record.ts'
import { headsBehind, replay } from './replay.ts'
import { listSegments, openSegment, segmentName, sweepSegments } from './segment.ts'

export type LogPlace = { readonly disk: Disk; readonly ids: Ids; readonly dir: string }
export type OpenedLog = {
  readonly file: DiskFile
  readonly state: State
  readonly head: Head
  /** The first entry after the newest base. */
  readonly first: number
  /** Where the next record goes. */
  readonly end: number
  readonly damage: Damage | null
}

export const pathOf = (place: LogPlace, first: number): string => `${place.dir}/${segmentName(first)}`

/** Torn tails kept aside; older ones make room. */
const tornMax = 8
const tornMark = 'torn-'

export async function openNewest(place: LogPlace): Promise<OpenedLog> {
  await sweepSegments(place.disk, place.dir)
  const first = (await listSegments(place.disk, place.dir)).at(-1)
  if (first === undefined) throw new Fault('log-damaged', 'The log folder holds no segment.')
  const file = await place.disk.open(pathOf(place, first), 'edit')
  try {
    return await fold(place, first, file)
  } catch (error) {
    await file.close()
    throw error
  }
}

async function fold(place: LogPlace, first: number, file: DiskFile): Promise<OpenedLog> {
  const opened = await openSegment(file, true)
  if (isRefusal(opened)) throw toFault(opened)
  const { state, baseHead, bodyAt } = opened
  if (!state || opened.header.baseSeq !== first - 1)
    throw new Fault('log-damaged', `${segmentName(first)} does not begin where its name says.`)
  const size = (await file.stat()).size
  const { head: newest, end, damage } = await replay(file, bodyAt, size, state, 'last')
  const head = newest ?? baseHead
  if (!head) throw new Fault('log-damaged', `${segmentName(first)} holds no intact signed head.`)
  if (!head.logId.equals(opened.header.logId))
    throw new Fault(
      'log-damaged',
      `${segmentName(first)} names another log in its header than in its entries.`,
    )
  if (end === size && !damage) return { file, state, head, first, end, damage: null }
  if (damage && damage.at < end) return { file, state, head, first, end, damage }
  // Nothing of one torn batch was ever acknowledged. Two intact heads, or more bytes than a batch, were.
  const torn = size - end <= 2 * batchBytesMax && (await headsBehind(file, end, size, state)) < 2
  if (!torn)
    return { file, state, head, first, end, damage: damage ?? { at: end, why: 'entries without a head' } }
  await keepTorn(place, head.seq, file, end, size)
  await file.truncate(end)
  await file.dataSync()
  return { file, state, head, first, end, damage: null }
}

/** Keeps the bytes that are about to be cut, for whoever wants to know what was lost. */
async function keepTorn(
  place: LogPlace,
  seq: number,
  file: DiskFile,
  from: number,
  to: number,
): Promise<void> {
  const { disk, dir } = place
  const kept = ((await disk.list(dir)) ?? [])
    .map(({ name }) => name)
    .filter((name) => name.startsWith(tornMark))
  for (const name of kept.slice(0, Math.max(0, kept.length + 1 - tornMax)))
    await disk.unlink(`${dir}/${name}`)
  const bytes = Buffer.alloc(to - from)
  const got = await file.read(bytes, from)
  const copy = await disk.open(
    `${dir}/${tornMark}${String(seq).padStart(16, '0')}-${place.ids.name()}`,
    'create',
    0o600,
  )
  try {
    await copy.write([bytes.subarray(0, got)], 0)
    await copy.sync()
  } finally {
    await copy.close()
  }
}
