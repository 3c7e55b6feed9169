/**
 * Mends what is safe to mend, by the functions of the commands that people would use.
 * Always holds: nothing of the user's is removed or decided, and a master publishes no more than any start of it would;
 * what needs the folder takes its lock, and a running master is left alone. What could not be mended is told, and the
 * rest goes on.
 */
import { removeTree } from '../../engine/disk/tree.ts'
import { dropWatching } from '../../engine/watching.ts'
import { syncTimeoutMs } from '../../schemas/limits.ts'
import { isHash } from '../../schemas/shape.ts'
import { survey } from '../../transport/control/survey.ts'
import type { Context } from '../context.ts'
import { linkOf, withFollower } from '../follower/desk.ts'
import { fetchNew } from '../follower/fetch.ts'
import { bringUp } from '../follower/sync.ts'
import { withDesk } from '../master/desk.ts'
import { owning } from '../owner.ts'
import { programHere, serviceHere } from '../service/here.ts'
import { renewLauncher } from '../service/install.ts'
import { shimFile, writeShim } from '../shim/file.ts'
import { counted } from '../ui/amount.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import { attempt } from './looks/attempt.ts'
import { findLeftovers } from './looks/leftovers.ts'

export type Mended = { readonly id: string; readonly did: string }
export type Unmended = { readonly id: string; readonly why: string }
/** Says what it did. */
type Mend = (context: Context, facts: Facts) => Promise<string>

export async function mend(
  context: Context,
  facts: Facts,
  findings: readonly Finding[],
): Promise<{ readonly mended: readonly Mended[]; readonly unmended: readonly Unmended[] }> {
  const mended: Mended[] = []
  const unmended: Unmended[] = []
  const ids = new Set(findings.filter(({ fixable }) => fixable).map(({ id }) => id))
  for (const [id, work] of mends) {
    if (!ids.has(id)) continue
    const { got, told } = await attempt(() => work(context, facts))
    if (told === null) mended.push({ id, did: got })
    else unmended.push({ id, why: told.message })
  }
  return { mended, unmended }
}

const closeModes: Mend = async (context, { place, uid }) => {
  const disk = await context.openDisk()
  const closed: string[] = []
  for (const { path, mode, wanted, uid: whose } of place.owned) {
    if (whose !== uid || (mode & 0o077) === 0) continue
    await disk.chmod(path, wanted)
    closed.push(path)
  }
  return `Closed to other users: ${closed.join(', ')}.`
}

const dropSockets: Mend = async (context) => {
  const { homes, clock, uid } = context
  const disk = await context.openDisk()
  const { dead } = await survey(homes.stemmaHome, { disk, clock, uid })
  for (const path of dead) await disk.unlink(path)
  return `Removed ${counted(dead.length, 'lock')} of processes that are gone.`
}

const dropMark: Mend = async (context) => {
  await dropWatching({ disk: await context.openDisk(), stemmaHome: context.homes.stemmaHome })
  return 'Cleared the mark of the watcher that is gone.'
}

/** Under the lock: what is half written then is nobody's. */
const dropLeftovers: Mend = async (context, { stored, role }) => {
  const disk = await context.openDisk()
  const removed = await owning(context, 'doctor', disk, async () => {
    const { codexHome } = context.homes
    const found = await findLeftovers(disk, context.homes, role)
    const dropped = found.filter((path) => !(stored?.cutOff && path.startsWith(codexHome)))
    for (const path of dropped) await removeTree(disk, path)
    return dropped.length
  })
  return `Removed what interrupted saves had left (${removed}).`
}

const carryOut: Mend = (context) =>
  withFollower(context, 'doctor', async (desk) => {
    await desk.keeper.recover()
    return 'Carried out the apply that was cut off.'
  })

const bringContents: Mend = async (context, { role, stored }) => {
  const damaged = (stored?.damaged ?? []).filter(isHash)
  if (role === 'master')
    return withDesk(context, 'doctor', async (desk) => {
      for (const hash of damaged) await desk.master.blobs.isSound(hash)
      await desk.look(context.signal)
      // Nothing new may have been appended, which would have made their names durable.
      await desk.master.blobs.settle()
      return 'Read the Codex home again for the contents that were missing.'
    })
  return withFollower(context, 'doctor', async (desk, local) => {
    for (const hash of damaged) await desk.follower.blobs.isSound(hash)
    await fetchNew(desk, linkOf(local), { timeoutMs: syncTimeoutMs })
    return 'Fetched the contents that were missing from the master.'
  })
}

const installHook: Mend = (context) =>
  withFollower(context, 'doctor', async (desk, local) => {
    await desk.setLocal({ ...local, hook: true })
    await bringUp(desk)
    return 'Installed and approved the session hook anew.'
  })

const renewShim: Mend = async (context) => {
  const disk = await context.openDisk()
  await writeShim(context, disk)
  await disk.chmod(shimFile(context), 0o700)
  return 'Wrote the shim anew.'
}

const renewService: Mend = async (context, { role, service }) => {
  const disk = await context.openDisk()
  const here = await serviceHere(context, disk, role === 'master' ? 'master' : 'follower')
  const isWaiting = service?.health?.phase === 'again' || service?.health?.phase === 'failed'
  await renewLauncher(context, disk, here, { program: programHere(), isWaiting })
  return `Wrote the launcher of the service anew${isWaiting ? ', and started it' : ''}.`
}

/** In an order in which one makes way for the next. */
const mends: readonly (readonly [string, Mend])[] = [
  ['wrong-mode', closeModes],
  ['stale-lock', dropSockets],
  ['watch-stale', dropMark],
  ['apply-cut-off', carryOut],
  ['leftovers', dropLeftovers],
  ['contents-damaged', bringContents],
  ['hook-moved', installHook],
  ['hook-missing', installHook],
  ['hook-modified', installHook],
  ['hook-untrusted', installHook],
  ['shim-broken', renewShim],
  ['launcher-broken', renewService],
]
