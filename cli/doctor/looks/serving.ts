/** A master: does it serve, where, and to whom? Asked over the control channel, so that it is not disturbed. */
import type { Disk } from '../../../engine/disk/disk.ts'
import { awayBytesMax, defaultPort } from '../../../schemas/limits.ts'
import { doctorPortMs } from '../../../schemas/limits-cli.ts'
import { masterStatus } from '../../../schemas/report.ts'
import type { Settings } from '../../../schemas/settings.ts'
import { v } from '../../../schemas/shape.ts'
import type { Survey } from '../../../transport/control/survey.ts'
import { dial } from '../../../transport/identity/dial.ts'
import { tailnetAddress } from '../../../transport/identity/own.ts'
import { isOnTailnet } from '../../../transport/identity/peer.ts'
import type { Context } from '../../context.ts'
import { serveWords } from '../../master/desk.ts'
import { askRunning } from '../../owner.ts'
import type { ServingFacts } from '../facts.ts'
import { attempt } from './attempt.ts'

export async function lookAtServing(
  context: Context,
  disk: Disk,
  owner: Survey['owner'],
  link: Settings['link'] | null,
  servicePort: number | null,
): Promise<ServingFacts> {
  const port = servicePort ?? link?.port ?? defaultPort
  const runs = owner !== null && owner !== 'mute' && owner.what === serveWords
  const asked = runs
    ? await attempt(async () => {
        const told = await askRunning(context, disk, { cmd: 'status' })
        return told && v.parse(masterStatus, told.ok)
      })
    : { got: null, told: null }
  return {
    status: asked.got,
    fault: asked.told,
    port,
    isTaken: owner === null && port !== 0 && (await isTaken(context, link?.host ?? [], port)),
    tailnet: tailnetAddress(),
    hostsOnTailnet: (asked.got?.serving?.hosts ?? []).filter(isOnTailnet),
    inotify: await readLimits(disk),
  }
}

/** A connection that is made and hung up: binding the port to try it would be in the way of a master that starts. */
async function isTaken({ clock }: Context, hosts: readonly string[], port: number): Promise<boolean> {
  const near = hosts.map((host) => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[host] ?? host)
  for (const host of near) {
    const { got } = await attempt(() => dial({ host, port, clock, timeoutMs: doctorPortMs }))
    got?.destroy()
    if (got) return true
  }
  return false
}

/** The smaller of what the system allows a user and what it allows within this namespace. */
async function readLimits(disk: Disk): Promise<ServingFacts['inotify']> {
  const least = async (what: string) =>
    Math.min(
      await readNumber(disk, `/proc/sys/fs/inotify/max_user_${what}`),
      await readNumber(disk, `/proc/sys/user/max_inotify_${what}`),
    )
  const [watches, instances] = [await least('watches'), await least('instances')]
  return Number.isFinite(watches) && Number.isFinite(instances) ? { watches, instances } : null
}

/** In one read: Linux gives the second one of such a file nothing. */
async function readNumber(disk: Disk, path: string): Promise<number> {
  const { got } = await attempt(async () => {
    const file = await disk.open(path, 'read')
    try {
      const bytes = Buffer.alloc(awayBytesMax)
      return bytes.subarray(0, await file.read(bytes, 0)).toString()
    } finally {
      await file.close()
    }
  })
  return /^[0-9]+\s*$/.test(got ?? '') ? Number(got) : Number.POSITIVE_INFINITY
}
