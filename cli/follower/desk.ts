/**
 * A follower at work: its folder locked, its copy of the log open, and the home that it keeps.
 */
import { Applier } from '../../engine/apply/applier.ts'
import { type Contact, loadContact, saveContact } from '../../engine/contact.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { CanonFiles } from '../../engine/fold/file.ts'
import { Follower } from '../../engine/follower.ts'
import { loadLocal, loadSettings } from '../../engine/settings/file.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { lockPatienceMs, lockRetryMs } from '../../schemas/limits.ts'
import { type Link, parseAddress } from '../../schemas/link.ts'
import type { FollowerLocal, Settings } from '../../schemas/settings.ts'
import type { Context } from '../context.ts'
import { owning } from '../owner.ts'

export class FollowerDesk {
  readonly context: Context
  readonly disk: Disk
  readonly settings: Settings
  readonly follower: Follower
  readonly applier: Applier
  contact: Contact

  constructor(context: Context, disk: Disk, settings: Settings, follower: Follower, contact: Contact) {
    const { homes, ids, clock } = context
    this.context = context
    this.disk = disk
    this.settings = settings
    this.follower = follower
    this.contact = contact
    this.applier = new Applier({ ...homes, disk, ids, clock, blobs: follower.blobs })
  }

  /** The canonical files as far as this machine knows them; none before the first sync. */
  get desired(): CanonFiles {
    return this.follower.state?.files() ?? new Map()
  }

  async note(news: Partial<Contact>): Promise<void> {
    this.contact = { ...this.contact, ...news }
    await saveContact(this.disk, this.context.ids, this.context.homes.stemmaHome, this.contact)
  }
}

/** Opens the folder of a follower under its lock, works, and closes both, whatever happens. */
export async function withFollower<T>(
  context: Context,
  what: string,
  work: (desk: FollowerDesk, local: FollowerLocal) => Promise<T>,
): Promise<T> {
  const { homes } = context
  const disk = await context.openDisk(homes.codexHome)
  const local = await loadLocal(disk, homes.stemmaHome)
  if (!local) throw new Fault('not-initialised', `${homes.stemmaHome} does not follow a master yet.`)
  if (local.role !== 'follower') throw new Fault('wrong-role', 'This machine is a master, not a follower.')
  return withFolder(context, what, disk, (desk) => work(desk, local))
}

/** The same for a folder that may not be a follower's yet (`follower join`). */
export async function withFolder<T>(
  context: Context,
  what: string,
  disk: Disk,
  work: (desk: FollowerDesk) => Promise<T>,
): Promise<T> {
  const { homes, ids, clock } = context
  return patiently(context, () =>
    owning(context, what, disk, async () => {
      const settings = await loadSettings(disk, homes.stemmaHome)
      const follower = await Follower.open({ disk, ids, clock, stemmaHome: homes.stemmaHome })
      try {
        const contact = await loadContact(disk, homes.stemmaHome)
        return await work(new FollowerDesk(context, disk, settings, follower, contact))
      } finally {
        await follower.close()
      }
    }),
  )
}

/** Another command of this machine is over soon: it is waited for, not reported. */
async function patiently<T>({ clock, signal }: Context, attempt: () => Promise<T>): Promise<T> {
  const until = clock.monotonic() + lockPatienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'locked' || clock.monotonic() > until) throw error
      await clock.wait(lockRetryMs, signal)
    }
  }
}

/** The address and the pin of the master that a folder follows. */
export function linkOf(local: FollowerLocal): Link {
  const link = parseAddress(local.master, local.fingerprint)
  if (isRefusal(link)) throw toFault(link)
  return link
}
