/** Is the service of this folder installed, and does it run? Only looks. */
import type { Disk } from '../../engine/disk/disk.ts'
import { controlWho } from '../../schemas/control.ts'
import { Fault } from '../../schemas/fault.ts'
import { serviceAskMs } from '../../schemas/limits-cli.ts'
import { masterStatus, type ServiceReport } from '../../schemas/report.ts'
import { v } from '../../schemas/shape.ts'
import type { Context } from '../context.ts'
import { askRunning } from '../owner.ts'
import { planOf, serviceHere } from './here.ts'
import { runStep } from './runner.ts'
import { commandOf, type Plan, type Role } from './service.ts'

/** Null where nobody can tell. */
export type ServiceState = Readonly<ServiceReport> | null

export async function serviceState(context: Context, disk: Disk, role: Role): Promise<ServiceState> {
  const plan = await planHere(context, disk, role)
  if (plan === null) return null
  if (!(await isInstalled(disk, plan))) return { installed: false, running: false }
  const running = await isRunning(context, disk, role, plan)
  return running === null ? null : { installed: true, running }
}

export const isInstalled = async (disk: Disk, { files }: Plan): Promise<boolean> =>
  (await disk.stat(files[0].path)) !== null

/** Null on a system without a service manager that we know. */
export async function planHere(context: Context, disk: Disk, role: Role): Promise<Plan | null> {
  try {
    return planOf(await serviceHere(context, disk, role))
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

/** In the eyes of its manager; null when that does not answer. */
export async function isRunning(
  context: Context,
  disk: Disk,
  role: Role,
  { running }: Plan,
): Promise<boolean | null> {
  if (running === null) return (await ownerOf(context, disk)) === commandOf[role].join(' ')
  const { ok, out } = await runStep(context, running.step)
  if (!ok) return running.failing === 'unknown' ? null : false
  return running.pattern.test(out)
}

/** The command that owns the folder; null when none does, or it does not say. */
export async function ownerOf(context: Context, disk: Disk): Promise<string | null> {
  const told = await askQuietly(context, disk, 'who')
  return told === null ? null : v.parse(controlWho, told.ok).what
}

/** Does it do its work: is the master open to its followers, has the watcher the folder? */
export async function isServing(context: Context, disk: Disk, role: Role): Promise<boolean> {
  if (role === 'follower') return (await ownerOf(context, disk)) === commandOf.follower.join(' ')
  const told = await askQuietly(context, disk, 'status')
  return told !== null && v.parse(masterStatus, told.ok).serving !== null
}

/** Ends the command of this role, if it owns the folder. */
export async function askToStop(context: Context, disk: Disk, role: Role): Promise<void> {
  if ((await ownerOf(context, disk)) === commandOf[role].join(' ')) await askQuietly(context, disk, 'stop')
}

/** One that is only starting, or ending, has no answer yet. */
async function askQuietly(
  context: Context,
  disk: Disk,
  cmd: 'who' | 'status' | 'stop',
): Promise<{ readonly ok: unknown } | null> {
  try {
    return await askRunning(context, disk, { cmd })
  } catch (error) {
    if (error instanceof Fault && error.code !== 'interrupted') return null
    throw error
  }
}

/** The row of `status`. */
export function serviceWords(role: Role, state: ServiceState): string {
  if (state === null) return 'not known: its manager does not answer'
  if (!state.installed) return `not installed (\`stemma ${role} install\`)`
  return state.running ? 'installed, and runs' : 'installed, but does not run'
}

/** Does systemd keep the services of this user while they are logged out? Null when it does not say. */
export async function isLingering(context: Context): Promise<boolean | null> {
  const words = ['loginctl', 'show-user', String(context.uid), '--property=Linger']
  const { out } = await runStep(context, { words }, serviceAskMs)
  const [, answer] = /^Linger=(yes|no)$/m.exec(out) ?? []
  return answer === undefined ? null : answer === 'yes'
}
