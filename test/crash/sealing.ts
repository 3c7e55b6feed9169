/**
 * A master with secrets, for the sweeps: it publishes them, revokes a machine, or has lost its vault; and what must
 * hold at its next start, wherever it was cut off.
 */
import { expect } from 'vitest'
import type { Disk } from '../../engine/disk/disk.ts'
import { currentEpoch } from '../../engine/fold/reducers/epoch.ts'
import type { Follower } from '../../engine/follower.ts'
import type { Master } from '../../engine/master.ts'
import { openSecrets } from '../../engine/secrets/reader.ts'
import { assert } from '../../schemas/fault.ts'
import {
  enrol,
  type Home,
  initMaster,
  look,
  openFollower,
  openMaster,
  plant,
  portsOf,
  stemmaHome,
  sync,
} from '../engine/machines.ts'
import { SimDisk } from '../sim/disk.ts'
import type { Outcome, Scenario, World } from '../sim/sweep.ts'
import { canary, checkSecrecy } from './canary.ts'

const first: Home = { '.env': `A=${canary} 1`, 'mise.toml': `a = "${canary}"`, 'AGENTS.md': 'a 1' }
const second: Home = {
  '.env': `A=${canary} 2`,
  'mise.toml': null,
  'skills/a/.env*': `B=${canary}`,
  'config.toml': `model = "${canary}"\n`,
  'AGENTS.md': 'a 2',
}
const secrets = {
  '.env': `A=${canary} 2`,
  'skills/a/.env': `B=${canary}`,
  'config.toml': `model = "${canary}"\n`,
}

/** Two machines, made once: every check would make the same keys. */
const member = async (seed: number) => {
  const disk = new SimDisk({ seed })
  const follower = await openFollower(disk, portsOf(seed))
  return { follower, again: () => openFollower(disk.clone(), portsOf(seed)) }
}
const friend = await member(70)
const enemy = await member(71)

/** What the master does before it is cut off. `ack` once it has said that it is done. */
type Act = {
  readonly name: 'publish' | 'revoke' | 'new epoch'
  /** How many epochs there may be in the end: each has its reason. */
  readonly epochs: number
  readonly prepare?: (disk: SimDisk) => Promise<unknown>
  readonly run: (master: Master, disk: Disk, world: World<number>, ack: () => void) => Promise<void>
}
export const acts: readonly Act[] = [
  {
    name: 'publish',
    epochs: 1,
    async run(master, disk, world, ack) {
      await look(disk, world, master)
      ack()
      await master.sweep()
    },
  },
  {
    name: 'revoke',
    epochs: 2,
    async run(master, _disk, _world, ack) {
      await master.revoke(enemy.follower.id)
      ack()
    },
  },
  {
    name: 'new epoch',
    epochs: 2,
    prepare: (disk) => disk.unlink(`${stemmaHome}/vault.json`),
    async run(master, disk, world, ack) {
      await look(disk, world, master)
      ack()
      expect(currentEpoch(master.state)).toBe(2)
    },
  },
]

export const sealing = (
  act: Act,
  windows: boolean,
  wrap: (disk: SimDisk) => Disk = (disk) => disk,
): Scenario<number> => ({
  name: act.name,
  seed: 3,
  windows,
  faults: ['EIO', 'ENOSPC', 'crash-before', 'crash-after', 'torn'],
  reboots: 2,
  async prepare(disk, world) {
    const master = await initMaster(disk, world)
    await plant(disk, first)
    await look(disk, world, master)
    await enrol(master, friend.follower, 'friend')
    await enrol(master, enemy.follower, 'enemy')
    await master.close()
    await plant(disk, second)
    await act.prepare?.(disk)
  },
  async run(disk, world) {
    const careful = wrap(disk)
    const master = await openMaster(careful, world)
    // What came so far has its sweeps elsewhere: keys, log, contents.
    world.begin()
    await act.run(master, careful, world, () => world.acked.push(master.head.seq))
  },
  check: (disk, outcome) => check(disk, act, outcome),
})

/** As at the next start: nothing acknowledged is lost, and one more look makes all of it right. */
async function check(disk: SimDisk, act: Act, outcome: Outcome<number>): Promise<void> {
  const { acked, world, after, fault } = outcome
  await checkSecrecy(disk)
  const master = await openMaster(disk, world)
  expect(master.head.seq, 'what was acknowledged is there').toBeGreaterThanOrEqual(Math.max(0, ...acked))
  await look(disk, world, master)
  const row = master.followers().find(({ id }) => id === enemy.follower.id)
  const revoked = row !== undefined && row.revokedMs > 0
  if (act.name === 'revoke' && acked.length > 0)
    expect(revoked, 'a revocation stands once it was said').toBe(true)
  expect(await opened(master, friend.follower)).toEqual({ secrets, closed: [] })
  if (revoked)
    expect(await opened(master, enemy.follower), 'a revoked machine').toEqual({
      secrets: {},
      closed: Object.keys(secrets).sort(),
    })
  expect(currentEpoch(master.state), 'no epoch begins without a reason').toBeLessThanOrEqual(act.epochs)
  // The whole way to a follower costs as much as all the rest.
  if (after === 'again' && (fault === null || fault === 'crash-after')) await checkTaken(master)
  await master.sweep()
  const { seq } = master.head
  expect((await look(disk, world, master)).entries).toBe(0)
  expect(master.head.seq).toBe(seq)
  // Nothing superseded is left: a content for each file, plain or sealed, and the wraps.
  expect(disk.paths(`${stemmaHome}/blobs`)).toHaveLength(Object.keys(secrets).length + 2)
  // Nor half a vault, with the keys that it held.
  expect(disk.paths(stemmaHome).filter((path) => path.includes('tmp-'))).toEqual([])
  expect(epochsKept(disk)).toEqual([String(currentEpoch(master.state))])
  await master.close()
  await checkSecrecy(disk)
}

/** What a machine could open of what the master has, and what not. */
async function opened({ state, blobs }: Master, { id, keys }: Follower) {
  const { secrets, closed } = await openSecrets(state, blobs, id, keys.seal)
  return {
    secrets: Object.fromEntries([...secrets].map(([path, { plain }]) => [path, plain.toString()])),
    closed: [...closed.keys()].sort(),
  }
}

async function checkTaken(master: Master): Promise<void> {
  const follower = await friend.again()
  expect(await sync(master, follower)).toBe(null)
  assert(follower.state, 'it has a log')
  const { closed } = await openSecrets(follower.state, follower.blobs, follower.id, follower.keys.seal)
  expect([...closed.keys()]).toEqual([])
  await follower.close()
}

function epochsKept(disk: SimDisk): string[] {
  const ledger: unknown = JSON.parse(disk.peek(`${stemmaHome}/vault.json`)?.toString() ?? '{}')
  assert(typeof ledger === 'object' && ledger !== null && 'epochs' in ledger, 'the vault is a ledger')
  return Object.keys(ledger.epochs ?? {})
}
