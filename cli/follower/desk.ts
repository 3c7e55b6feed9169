/**
 * A follower at work: its folder locked, its copy of the log open, and the home that it keeps.
 */
import { saveCard } from '../../engine/card.ts'
import { Keeper, type KeeperPlace } from '../../engine/compose/keeper.ts'
import { type Contact, loadContact, saveContact } from '../../engine/contact.ts'
import { toHash } from '../../engine/crypto/hash.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { Follower } from '../../engine/follower.ts'
import { loadLocal, loadSettings, saveLocal } from '../../engine/settings/file.ts'
import { mustKeep } from '../../engine/settings/kept.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { lentRetryMs, lockRetryMs } from '../../schemas/limits.ts'
import { type Link, parseAddress } from '../../schemas/link.ts'
import type { FollowerLocal, Settings } from '../../schemas/settings.ts'
import type { Lock } from '../../transport/control/lock.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import type { Context } from '../context.ts'
import { ownHooks } from '../hook/own.ts'
import { thisPlatform } from '../name.ts'
import { askRunning, owning, patiently } from '../owner.ts'

/** As others are told of it. */
export const watchWords = 'follower watch'

export class FollowerDesk {
  readonly context: Context
  readonly disk: Disk
  readonly settings: Settings
  readonly follower: Follower
  /** What this machine is; null before its first join. */
  local: FollowerLocal | null
  contact: Contact

  constructor(context: Context, disk: Disk, opened: Opened) {
    this.context = context
    this.disk = disk
    this.settings = opened.settings
    this.follower = opened.follower
    this.contact = opened.contact
    this.local = opened.local
  }

  /** The home as this machine keeps it, with our hooks where `local.toml` says so. */
  get keeper(): Keeper {
    return this.keep({ ended: null })
  }

  keep(hold: KeeperPlace['hold']): Keeper {
    const { context, disk, follower } = this
    const { ids, clock, homes } = context
    const own = this.local?.hook === true ? ownHooks(homes) : null
    const trustHooks = this.local?.trust_hooks === true
    const platform = thisPlatform()
    const progress = context.progress.tell
    return new Keeper({ ...homes, disk, ids, clock, follower, platform, own, trustHooks, hold, progress })
  }

  /** The name that this machine enrolled under; null before that. */
  get called(): string | null {
    const { state, id } = this.follower
    const row = state?.maps.followers.get(id)
    return row?.kind === 'follower' ? row.name : null
  }

  async note(news: Partial<Contact>): Promise<void> {
    this.contact = { ...this.contact, ...news }
    await saveContact(this.disk, this.context.ids, this.context.homes.stemmaHome, this.contact)
  }

  async setLocal(local: FollowerLocal): Promise<void> {
    await saveLocal(this.disk, this.context.ids, this.context.homes.stemmaHome, local)
    this.local = local
  }

  /** What the session hook needs to know, as it is now. */
  async deal(applied: boolean, staged: boolean): Promise<void> {
    const { head } = this.follower
    if (!this.local || !head) return
    const { host, port, fingerprint } = linkOf(this.local)
    await saveCard(this.disk, this.context.ids, this.context.homes.stemmaHome, {
      host,
      port,
      fingerprint,
      cert: mintIdentity(this.follower.keys.node).certPem,
      seq: head.seq,
      entry: toHash(head.entry),
      applied,
      staged,
    })
  }
}

type Opened = {
  readonly settings: Settings
  readonly follower: Follower
  readonly contact: Contact
  readonly local: FollowerLocal | null
}

/** Opens the folder of a follower under its lock, works, and closes both, whatever happens. */
export async function withFollower<T>(
  context: Context,
  what: string,
  work: (desk: FollowerDesk, local: FollowerLocal, lock: Lock) => Promise<T>,
): Promise<T> {
  const { disk } = await mustFollow(context)
  return withFolder(context, what, disk, async (desk, lock) => {
    // It may have left while this waited for its turn.
    if (!desk.local) throw followsNobody(context)
    return work(desk, desk.local, lock)
  })
}

const followsNobody = ({ homes }: Context): Fault =>
  new Fault('not-initialised', `${homes.stemmaHome} does not follow a master yet.`)

/** @throws Fault `not-initialised`, `wrong-role`, `other-home`. */
export async function mustFollow(
  context: Context,
): Promise<{ readonly disk: Disk; readonly local: FollowerLocal }> {
  const { homes } = context
  const disk = await context.openDisk(homes.codexHome)
  const local = await loadLocal(disk, homes.stemmaHome)
  if (!local) throw followsNobody(context)
  if (local.role !== 'follower') throw new Fault('wrong-role', 'This machine is a master, not a follower.')
  await mustKeep(disk, homes, local)
  return { disk, local }
}

/** The same for a folder that may not be a follower's yet (`follower join`). */
export const withFolder = <T>(
  context: Context,
  what: string,
  disk: Disk,
  work: (desk: FollowerDesk, lock: Lock) => Promise<T>,
): Promise<T> => inTurn(context, what, disk, (lock) => atDesk(context, disk, (desk) => work(desk, lock)))

/** Works with the folder open. Who may do so sees to the lock, or has a disk that writes nothing. */
export async function atDesk<T>(
  context: Context,
  disk: Disk,
  work: (desk: FollowerDesk) => Promise<T>,
): Promise<T> {
  const { homes, ids, clock } = context
  const settings = await loadSettings(disk, homes.stemmaHome)
  const follower = await Follower.open({ disk, ids, clock, stemmaHome: homes.stemmaHome })
  try {
    const contact = await loadContact(disk, homes.stemmaHome)
    const local = await loadLocal(disk, homes.stemmaHome)
    const mine = local?.role === 'follower' ? local : null
    return await work(new FollowerDesk(context, disk, { settings, follower, contact, local: mine }))
  } finally {
    await follower.close()
  }
}

/**
 * With the folder of a follower, once no other command of this machine has it. One that watches lends it, and waits
 * itself for as long as others come.
 */
export function inTurn<T>(
  context: Context,
  what: string,
  disk: Disk,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  return patiently(
    context,
    () => owning(context, what, disk, work),
    async (holder, isLate) => {
      const isWatched = holder === watchWords
      if (what === watchWords ? isWatched : isLate) return null
      if (isWatched) await borrow(context, disk)
      return isWatched ? lentRetryMs : lockRetryMs
    },
  )
}

/** However the watcher takes it: it may have lent or left the folder already. */
async function borrow(context: Context, disk: Disk): Promise<void> {
  try {
    await askRunning(context, disk, { cmd: 'lend' })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

/** The address and the pin of the master that a folder follows. */
export function linkOf(local: FollowerLocal): Link {
  const link = parseAddress(local.master, local.fingerprint)
  if (isRefusal(link)) throw toFault(link)
  return link
}
