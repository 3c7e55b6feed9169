/**
 * The service of this machine: what is asked for, in terms of the system that is here.
 * Always holds: whoever installs, asks and removes comes to the same name and the same files.
 */
import { homedir, userInfo } from 'node:os'
import type { Disk } from '../../engine/disk/disk.ts'
import { Fault, isRefusal, toFault, unreachable } from '../../schemas/fault.ts'
import { findPlace } from '../../transport/control/place.ts'
import { binScript } from '../built.ts'
import type { Context } from '../context.ts'
import { thisPlatform } from '../name.ts'
import { agentPlan } from './agent.ts'
import type { Program } from './launcher.ts'
import { commandOf, joinIn, judgePaths, type Plan, type Role, type Service } from './service.ts'
import { spellCommand } from './spell.ts'
import { systemdPlan } from './systemd.ts'
import { taskPlan } from './task.ts'

/** @throws Fault `no-service-manager` on systems of which none is known; `usage` for a folder that none could name. */
export async function serviceHere(
  context: Context,
  disk: Disk,
  role: Role,
  words: readonly string[] = commandOf[role],
): Promise<Service> {
  const { homes, env, uid } = context
  const system = thisPlatform()
  const homeDir = homedir()
  if (system === 'other')
    throw noManager(
      spellCommand({ system, homeDir, ...homes, words }),
      'stemma knows no service manager of this system',
    )
  const config = env['XDG_CONFIG_HOME'] ?? ''
  const place = await findPlace(disk, homes.stemmaHome, uid)
  const service: Service = {
    system,
    role,
    homeDir,
    // As systemd reads it: one that is not absolute counts as none.
    configDir: config.startsWith('/') ? config : joinIn(homeDir, '.config'),
    user: uid === null ? windowsUser(env) : String(uid),
    ...homes,
    isLockInTmp: place?.kind === 'folder' && place.shared,
    words,
  }
  const odd = judgePaths(service)
  if (isRefusal(odd)) throw toFault(odd)
  return service
}

export function planOf(service: Service): Plan {
  switch (service.system) {
    case 'linux':
      return systemdPlan(service)
    case 'darwin':
      return agentPlan(service)
    case 'win32':
      return taskPlan(service)
    default:
      return unreachable(service.system)
  }
}

/** What runs this very command. */
export const programHere = (): Program => ({ node: process.execPath, script: binScript })

/** @param command what there is nobody to hand to, as a person would start it. */
export const noManager = (command: string, why: string): Fault =>
  new Fault(
    'no-service-manager',
    `There is no service manager to hand \`${command}\` to: ${why.replace(/\.?\s*$/, '.')}`,
    { command },
  )

const windowsUser = (env: Context['env']): string =>
  env['USERDOMAIN'] ? `${env['USERDOMAIN']}\\${userInfo().username}` : userInfo().username
