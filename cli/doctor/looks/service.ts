/** The service of this folder, if one is installed: its files, its launcher, and what its manager says of it. */
import type { Disk } from '../../../engine/disk/disk.ts'
import { readFile } from '../../../engine/disk/save.ts'
import { serviceAskMs, serviceFileBytesMax } from '../../../schemas/limits-cli.ts'
import type { Context } from '../../context.ts'
import { isCurrent } from '../../service/file.ts'
import { planOf, serviceHere } from '../../service/here.ts'
import { runStep } from '../../service/runner.ts'
import {
  commandOf,
  type Health,
  launcherFile,
  type Plan,
  type Role,
  type Service,
} from '../../service/service.ts'
import { isInstalled, isLingering, isRunning } from '../../service/state.ts'
import type { ServiceFacts } from '../facts.ts'
import { readLauncher } from '../words.ts'
import { attempt } from './attempt.ts'

export async function lookAtService(context: Context, disk: Disk, role: Role): Promise<ServiceFacts | null> {
  // Where no service manager is known, none can be installed.
  const { got: service } = await attempt(() => serviceHere(context, disk, role))
  if (service === null) return null
  const plan = planOf(service)
  if ((await attempt(() => isInstalled(disk, plan))).got !== true) return null
  return {
    name: plan.name,
    runs: commandOf[role].join(' '),
    again: plan.again.words.join(' '),
    logs: plan.logs,
    port: await portOf(disk, plan),
    isCurrent: await areCurrent(disk, plan),
    ...(await lookAtLauncher(disk, service)),
    health: await healthOf(context, disk, role, plan),
    lingers: service.system === 'linux' ? await isLingering(context) : null,
  }
}

/** Of its options, in whatever format. */
async function portOf(disk: Disk, { files }: Plan): Promise<number | null> {
  for (const { path, encoding } of files) {
    const { got } = await attempt(() => readFile(disk, path, serviceFileBytesMax))
    const port = /--port\D+(\d+)/.exec(got?.toString(encoding) ?? '')?.[1]
    if (port !== undefined) return Number(port)
  }
  return null
}

async function areCurrent(disk: Disk, { files, optionLine }: Plan): Promise<boolean> {
  for (const file of files)
    if ((await attempt(() => isCurrent(disk, file, optionLine))).got !== true) return false
  return true
}

async function lookAtLauncher(
  disk: Disk,
  service: Service,
): Promise<Pick<ServiceFacts, 'hasLauncher' | 'gone'>> {
  const { got } = await attempt(() => readFile(disk, launcherFile(service), serviceFileBytesMax))
  const named = got && readLauncher(got.toString())
  const gone: string[] = []
  for (const path of named ? [named.node, named.script] : [])
    if ((await attempt(() => disk.realPath(path))).got === null) gone.push(path)
  return { hasLauncher: got !== null, gone }
}

async function healthOf(context: Context, disk: Disk, role: Role, plan: Plan): Promise<Health | null> {
  if (plan.health !== null) {
    const { ok, out } = await runStep(context, plan.health.step, serviceAskMs)
    return ok ? plan.health.read(out) : null
  }
  const running = await isRunning(context, disk, role, plan)
  return running === null
    ? null
    : { phase: running ? 'running' : 'stopped', ended: null, restarts: null, startsAtLogin: null }
}
