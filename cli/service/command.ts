/** What the commands of both roles share: a service is installed, shown, or removed. */
import { loadLocal } from '../../engine/settings/file.ts'
import { mustKeep } from '../../engine/settings/kept.ts'
import { type ExitCode, exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { flag } from '../command.ts'
import type { Context } from '../context.ts'
import { planOf, programHere, serviceHere } from './here.ts'
import { install, outline, uninstall } from './install.ts'
import type { Role } from './service.ts'
import { isLingering } from './state.ts'
import { tellInstalled, tellOutline, tellRemoved } from './tell.ts'

export const printOption = { print: flag('show every file and command, and do nothing') }

/** What the help of both says. */
export const installAbout = [
  'A systemd unit of the user, a LaunchAgent, or a Scheduled Task: no root, and nothing outside of your own folders. ' +
    'Run it again after an upgrade: it replaces the service and restarts it.',
]
export const uninstallAbout = ['Stops it first. Nothing of it stays; your files and the log are not touched.']

/** @param words what the service runs. */
export async function runInstall(
  context: Context,
  role: Role,
  words: readonly string[],
  { print }: { readonly print: boolean },
): Promise<ExitCode> {
  const disk = await context.openDisk(context.homes.codexHome)
  const local = await loadLocal(disk, context.homes.stemmaHome)
  if (!local)
    throw new Fault('not-initialised', `${context.homes.stemmaHome} belongs to no master and follows none.`)
  if (local.role !== role) throw new Fault('wrong-role', `This machine is a ${local.role}, not a ${role}.`)
  await mustKeep(disk, context.homes, local)
  const service = await serviceHere(context, disk, role, words)
  const what = outline(service, programHere())
  if (print) {
    tellOutline(context, service, what)
    return exitCodes.done
  }
  const begun = await install(context, disk, service, what)
  const linger = service.system === 'linux' ? await isLingering(context) : null
  return tellInstalled(context, service, what, { begun, linger })
}

export async function runUninstall(context: Context, role: Role): Promise<ExitCode> {
  const disk = await context.openDisk()
  const service = await serviceHere(context, disk, role)
  tellRemoved(context, planOf(service).name, role, await uninstall(context, disk, service))
  return exitCodes.done
}
