/**
 * A master's home on the real disk as a second reader finds it: log, blobs, and the seal keys of followers; and the
 * same with a batch behind it that no honest master writes.
 * Always holds: what is forged is signed right, so only what is sealed can tell.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { currentWraps } from '../../engine/fold/reducers/epoch.ts'
import { Log } from '../../engine/log/log.ts'
import { openWraps, readWraps } from '../../engine/secrets/wraps.ts'
import type { Event } from '../../schemas/event/index.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import { type Machine, stemmaHome, World } from '../engine/machines.ts'
import { vaultPath } from '../engine/secrets/opened.ts'
import type { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'

/** What the secrets of the story hold. One is longer than many blocks of a cipher, one has nothing. */
export const plain = {
  '.env': 'KEY=canary',
  'skills/a/.env': Array.from({ length: 500 }, (_, i) => `LINE_${i}=${i * i}`).join('\n'),
  'skills/b/.env': '',
} as const

export type SealedStory = {
  readonly world: World
  readonly stayed: Machine
  readonly revoked: Machine
  /** Came after the revocation. */
  readonly late: Machine
  /** The keys of the first epoch and of the second. */
  readonly epochKeys: readonly [Buffer, Buffer]
}

export async function sealedStory(): Promise<SealedStory> {
  const world = await World.make({ ...plain, '.env': 'KEY=old', 'AGENTS.md': 'a', 'skills/c/.env': 'C=1' })
  const [stayed, revoked] = [await world.join(2), await world.join(3)]
  const first = epochKeyOf(world, 1)
  await world.master.revoke(revoked.follower.id)
  await world.publish({ ...plain, 'skills/c/.env': null })
  const late = await world.join(4)
  return { world, stayed, revoked, late, epochKeys: [first, epochKeyOf(world, 2)] }
}

function epochKeyOf({ disk }: World, epoch: number): Buffer {
  const { epochs } = JSON.parse(disk.peek(vaultPath)?.toString() ?? '')
  return Buffer.from(String(epochs[epoch]), 'hex')
}

/** The wraps that the story ends with, and what they hold. */
export async function wrapsOf({ world, epochKeys: [, key] }: SealedStory) {
  const { master } = world
  const name = currentWraps(master.state)
  assert(name && master.state.keys, 'there are wraps')
  const bytes = await master.blobs.readWhole(name)
  const wraps = readWraps(bytes ?? Buffer.alloc(0))
  assert(!isRefusal(wraps), 'the wraps are well formed')
  const { logId } = master.state.keys
  const live = openWraps(wraps, { logId, epoch: 2, key })
  assert(!isRefusal(live), 'the wraps open')
  return { name, logId, rows: wraps.rows, live }
}

/** Copies a home's log, blobs and seal key to `dir`. */
export function lay(disk: SimDisk, dir: string): void {
  for (const path of disk.paths(stemmaHome)) {
    const below = path.slice(stemmaHome.length + 1)
    const bytes = disk.peek(path)
    if (bytes === null || !/^(?:log|blobs|keys)\//.test(below)) continue
    const file = join(dir, below)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, bytes, { mode: 0o600 })
  }
}

/** The master's home with one batch more, signed as all of it is. */
export async function withBatch({ world }: SealedStory, events: readonly Event[]): Promise<SimDisk> {
  const disk = world.disk.clone()
  const log = await Log.open({ disk, ids: new SimIds(9), dir: `${stemmaHome}/log` })
  await log.append(events, log.head.timeMs, world.master.keys.log.private)
  await log.close()
  return disk
}
