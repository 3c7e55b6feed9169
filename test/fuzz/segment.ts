/** The door of the log itself: a folder with one segment in it, sound or not, and what opening it makes of it. */
import { Log } from '../../engine/log/log.ts'
import { recordHeaderBytes, writeRecords } from '../../engine/log/record.ts'
import { listSegments, segmentHeaderBytes, segmentName } from '../../engine/log/segment.ts'
import { assert, Fault } from '../../schemas/fault.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import type { Random } from '../sim/random.ts'
import { makePair, stemmaHome } from '../transport/link/pair.ts'
import { mutant } from './mutate.ts'

const dir = '/log'

export type Segment = {
  readonly first: number
  readonly bytes: Buffer
  /** The state that each head in it was signed for, by the head. */
  readonly heads: ReadonlyMap<string, string>
}

/** Segments of an honest master: one from the beginning of a log, one that begins with a base. */
export async function makeSegments(): Promise<readonly Segment[]> {
  const { there } = await makePair()
  const heads = new Map<string, string>()
  const note = () =>
    heads.set(there.master.head.bytes.toString('hex'), there.master.state.stateHash().toString('hex'))
  note()
  const publish = async (files: Parameters<typeof there.publish>[0]) => {
    await there.publish(files)
    note()
  }
  await publish({ 'AGENTS.md': 'one', 'rules/x': 'x' })
  await publish({ 'AGENTS.md': 'two', 'rules/x': null })
  await publish({ 'skills/a/SKILL.md': 'a' })
  const lies = `${stemmaHome}/log`
  const read = (first: number): Segment => {
    const bytes = there.disk.peek(`${lies}/${segmentName(first)}`)
    assert(bytes, 'the segment is there')
    return { first, bytes, heads }
  }
  const whole = read(1)
  await there.master.compact(0)
  await publish({ 'AGENTS.md': 'three' })
  await publish({ 'AGENTS.md': 'four' })
  const first = (await listSegments(there.disk, lies)).at(-1)
  assert(first !== undefined && first > 1, 'the log was compacted')
  return [whole, read(first)]
}

/** Whether it opens. Throws when opening throws anything but a fault, or finds what was never signed. */
export async function segmentDoor(bytes: Buffer, { first, heads }: Omit<Segment, 'bytes'>): Promise<boolean> {
  const disk = new SimDisk()
  disk.plantFile(`${dir}/${segmentName(first)}`, bytes, 0o600)
  let log: Log
  try {
    log = await Log.open({ disk, ids: new SimIds(1), dir })
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
  const signed = heads.get(log.head.bytes.toString('hex'))
  assert(signed !== undefined, 'a head that nobody signed')
  assert(signed === log.state.stateHash().toString('hex'), 'another state under a head')
  await log.close()
  return true
}

/** Damage to any byte; or to one record, under a length and a sum that fit, as somebody would who means it. */
export function damaged(bytes: Buffer, random: Random): Buffer {
  if (random.chance(0.5)) return mutant([bytes], random)
  const payloads: Buffer[] = []
  for (let at = segmentHeaderBytes; at + recordHeaderBytes <= bytes.length; ) {
    const end = at + recordHeaderBytes + bytes.readUInt32BE(at)
    payloads.push(bytes.subarray(at + recordHeaderBytes, end))
    at = end
  }
  const at = random.below(payloads.length)
  const [own] = payloads.slice(at)
  if (random.chance(0.25)) payloads.splice(at, 1)
  else if (random.chance(0.3)) payloads.push(...payloads.splice(at, 1))
  else if (own) payloads[at] = mutant([own], random)
  return Buffer.concat([bytes.subarray(0, segmentHeaderBytes), writeRecords(payloads)])
}
