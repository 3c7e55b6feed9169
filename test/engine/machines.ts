/**
 * A master and its followers, each with a home on a simulated disk of its own, and no wire between them: what the
 * link would carry is handed over.
 * Always holds: the same seeds give the same bytes; a machine can be started anew on any disk that it left.
 */
import { scan } from '../../engine/canon/scan.ts'
import { defaultSelection } from '../../engine/canon/selection.ts'
import { hooksFileOf } from '../../engine/compose/approvals.ts'
import type { OwnHooks } from '../../engine/compose/hooks.ts'
import { Keeper, type KeeperPlace } from '../../engine/compose/keeper.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import type { Ids } from '../../engine/env/ids.ts'
import { Follower } from '../../engine/follower.ts'
import { Master } from '../../engine/master.ts'
import { assert, isRefusal, type Refusal } from '../../schemas/fault.ts'
import type { Hash } from '../../schemas/shape.ts'
import { SimClock } from '../sim/clock.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'

export const stemmaHome = '/user/stemma'
export const codexHome = '/user/codex'
export const at = (path: string): string => `${codexHome}/${path}`
export type Ports = { readonly ids: Ids; readonly clock: Clock }
export const portsOf = (seed: number): Ports => ({ ids: new SimIds(seed), clock: new SimClock() })

/** A file of a master's home; one that ends in `*` is executable, null removes it. */
export type Home = Readonly<Record<string, string | Buffer | null>>
export async function plant(disk: SimDisk, home: Home, mode = 0o600): Promise<void> {
  for (const [name, content] of Object.entries(home)) {
    const path = name.replace('*', '')
    if (content === null) await disk.unlink(at(path))
    else disk.plantFile(at(path), content, name.endsWith('*') ? mode | 0o100 : mode)
  }
}

export async function initMaster(disk: SimDisk, ports: Ports): Promise<Master> {
  disk.plantFolder('/user')
  disk.plantFolder(codexHome, 0o700)
  return (await Master.init({ disk, ...ports, stemmaHome })).master
}
export const openMaster = (disk: Disk, ports: Ports) => Master.open({ disk, ...ports, stemmaHome })

/** Scans the home and publishes, as `master serve` does. */
export async function look(disk: Disk, { clock }: Ports, master: Master) {
  const found = await scan({
    disk,
    home: codexHome,
    selection: defaultSelection,
    fences: [stemmaHome],
    blobs: master.blobs,
    clock,
    previous: master.files,
    previousSecrets: master.secrets,
    index: { rows: new Map() },
  })
  const hooksFile = await hooksFileOf(disk, codexHome)
  return { ...(await master.publish({ ...found, hooksFile })), warnings: found.warnings }
}

export async function openFollower(disk: Disk, ports: Ports): Promise<Follower> {
  if (disk instanceof SimDisk) disk.plantFolder('/user')
  return Follower.open({ disk, ...ports, stemmaHome })
}

export const enrol = (master: Master, { keys }: Follower, name = 'machine') =>
  master.enrol({ node: keys.node.public, seal: keys.seal.public, name, platform: 'linux' })

/** Hands over what is new. What the master lacks is a failure. */
export async function sync(master: Master, follower: Follower): Promise<Refusal | null> {
  const { keys } = master.state
  assert(keys, 'a master has its charter')
  const fetch = async (hashes: readonly Hash[]) => {
    for (const hash of hashes) {
      const bytes = await master.blobs.readWhole(hash)
      assert(bytes, 'the master has what its log names')
      await follower.blobs.put([bytes], hash)
    }
  }
  const from = follower.head?.seq
  let refusal: Refusal | null = null
  if (from === undefined || from + 1 < (await master.log.oldest())) {
    if (from !== master.head.seq) {
      const { parts, head } = await master.log.base()
      refusal = await follower.takeBase(parts, head, keys, fetch)
    }
  } else if (from < master.head.seq) {
    const payloads: Uint8Array[] = []
    for await (const run of master.log.records(from + 1)) payloads.push(...run)
    refusal = await follower.takeRun(payloads, keys, fetch)
  }
  if (refusal === null) await follower.complete(fetch)
  return refusal
}

export type KeeperOptions = {
  readonly own?: OwnHooks | null
  readonly disk?: Disk
  readonly windows?: boolean
}
export const keeperOf = (
  disk: Disk,
  ports: Ports,
  follower: Follower,
  own: OwnHooks | null = null,
  hold: KeeperPlace['hold'] = 'nothing',
  trustHooks = false,
) =>
  new Keeper({
    disk,
    ...ports,
    stemmaHome,
    codexHome,
    follower,
    platform: disk.windows ? 'win32' : 'linux',
    own,
    trustHooks,
    hold,
  })

/** One machine with its disk, that can be started anew. */
export class Machine {
  readonly ports: Ports
  disk: SimDisk
  follower: Follower
  own: OwnHooks | null = null

  private constructor(disk: SimDisk, ports: Ports, follower: Follower) {
    this.disk = disk
    this.ports = ports
    this.follower = follower
  }
  static async make(seed: number, windows = false): Promise<Machine> {
    const disk = new SimDisk({ seed, windows })
    const ports = portsOf(seed)
    return new Machine(disk, ports, await openFollower(disk, ports))
  }
  get keeper(): Keeper {
    return keeperOf(this.disk, this.ports, this.follower, this.own)
  }
  text(path: string): string | null {
    return this.disk.peek(at(path))?.toString() ?? null
  }
  async mode(path: string): Promise<number | null> {
    return (await this.disk.stat(at(path)))?.mode ?? null
  }
}

/** The master of the tests that need one, and any number of machines. */
export class World {
  readonly ports: Ports
  disk: SimDisk
  master: Master

  private constructor(disk: SimDisk, ports: Ports, master: Master) {
    this.disk = disk
    this.ports = ports
    this.master = master
  }
  static async make(home: Home = {}, seed = 1): Promise<World> {
    const disk = new SimDisk({ seed })
    const ports = portsOf(seed)
    const world = new World(disk, ports, await initMaster(disk, ports))
    if (Object.keys(home).length > 0) await world.publish(home)
    return world
  }
  async publish(home: Home) {
    await plant(this.disk, home)
    return look(this.disk, this.ports, this.master)
  }
  async join(seed: number): Promise<Machine> {
    const machine = await Machine.make(seed)
    await enrol(this.master, machine.follower, `machine ${seed}`)
    await this.sync(machine)
    return machine
  }
  async sync({ follower }: Machine): Promise<void> {
    const refusal = await sync(this.master, follower)
    assert(!isRefusal(refusal), `a sync is taken: ${refusal?.why}`)
  }
  /** Syncs and applies. */
  async update(machine: Machine) {
    await this.sync(machine)
    return machine.keeper.apply()
  }
  /** The process ends and starts again. */
  async restart(): Promise<void> {
    await this.master.close()
    this.disk = this.disk.restart()
    this.master = await openMaster(this.disk, this.ports)
  }
}
