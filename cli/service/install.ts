/**
 * A service is installed and removed.
 * Always holds: an install that fails leaves what was there before it; one that is repeated replaces all of the last
 * one; a removal takes away whatever an install may have left, half of one included.
 */
import { dirname } from 'node:path'
import { hooksPath } from '../../engine/compose/kind.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { readFile, saveFile } from '../../engine/disk/save.ts'
import { makeDirs } from '../../engine/disk/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import { lentMs, secretBytesMax } from '../../schemas/limits.ts'
import { serviceLookMs, serviceStartMs, serviceWordsMax } from '../../schemas/limits-cli.ts'
import type { Context } from '../context.ts'
import { shimFile } from '../shim/file.ts'
import { readOwn, writeFile } from './file.ts'
import { noManager, planOf } from './here.ts'
import { launcherPlan, type Program } from './launcher.ts'
import { appFolder, appScript, dropPackage, keepPackage, namesCopy, perishable } from './package.ts'
import { runStep } from './runner.ts'
import {
  commandOf,
  launcherFile,
  type Plan,
  type Role,
  type Service,
  type ServiceFile,
  type Step,
} from './service.ts'
import { spellCommand } from './spell.ts'
import { askToStop, isInstalled, isRunning, isServing, ownerOf } from './state.ts'

/** Everything that an install would do. Pure. */
export type Outline = {
  readonly plan: Plan
  readonly files: readonly ServiceFile[]
  /** A folder of packages to copy first, and where to. */
  readonly copy: { readonly from: string; readonly to: string } | null
}

export function outline(service: Service, program: Program): Outline {
  const cached = perishable(program.script)
  const script = cached ? appScript(service.stemmaHome, cached.script) : program.script
  const plan = planOf(service)
  return {
    plan,
    files: [launcherPlan(service, { ...program, script }), ...plan.files],
    copy: cached && { from: cached.modules, to: appFolder(service.stemmaHome) },
  }
}

/** `starting`: it has the folder, and looks at the whole home before it serves. */
export type Begun = 'serving' | 'starting' | 'down'

/** @returns how far it has come. */
export async function install(
  context: Context,
  disk: Disk,
  service: Service,
  { plan, files, copy }: Outline,
): Promise<Begun> {
  const { role, stemmaHome } = service
  await mustReach(context, service, plan)
  await mustBeFree(context, disk, service, plan)
  const before = await Promise.all(
    files.map(async (file) => ({ file, bytes: await readOwn(disk, file.path) })),
  )
  try {
    for (const folder of plan.folders) await makeDirs(disk, folder, 0o700)
    if (copy) await keepPackage(disk, context.ids, stemmaHome, copy.from)
    for (const file of files) await writeFile(disk, context.ids, file)
    if (plan.isStoppedFirst) await stop(context, disk, service, plan)
    await runAll(context, plan.start)
  } catch (error) {
    // The first failure is the one to tell; what cannot be undone now goes with `uninstall`.
    await undo({ ...context, signal: new AbortController().signal }, disk, service, before).catch(
      (later: unknown) => {
        if (!(later instanceof Fault)) throw later
      },
    )
    throw error
  }
  if (!copy) await letPackageGo(context, disk)
  if (await eventually(context, () => isServing(context, disk, role))) return 'serving'
  return (await ownerOf(context, disk)) === commandOf[role].join(' ') ? 'starting' : 'down'
}

/** Writes the launcher anew. @param isWaiting the service is to work, and could not for want of it. */
export async function renewLauncher(
  context: Context,
  disk: Disk,
  service: Service,
  { program, isWaiting }: { readonly program: Program; readonly isWaiting: boolean },
): Promise<void> {
  const { plan, files, copy } = outline(service, program)
  for (const file of files) {
    if (file.path !== launcherFile(service)) continue
    await readOwn(disk, file.path)
    if (copy) await keepPackage(disk, context.ids, service.stemmaHome, copy.from)
    await writeFile(disk, context.ids, file)
  }
  if (!isWaiting) return
  await runAll(context, [plan.again])
  await eventually(context, () => isServing(context, disk, service.role))
}

/** @returns whether there was anything, and whether its manager could be told. */
export async function uninstall(
  context: Context,
  disk: Disk,
  service: Service,
): Promise<{ readonly removed: boolean; readonly told: boolean; readonly kept: string | null }> {
  const plan = planOf(service)
  for (const { path } of plan.files) await readOwn(disk, path)
  const told = (await runStep(context, plan.probe)).ok
  if (told) await stop(context, disk, service, plan)
  let removed = false
  for (const path of [...plan.files.map((file) => file.path), ...plan.traces])
    if (await disk.unlink(path)) removed = true
  if (told) await runAll(context, plan.forget)
  const kept = (await hasOther(disk, service)) ? null : await removeShared(context, disk, service)
  for (const folder of plan.folders) await disk.removeDir(folder)
  return { removed, told, kept }
}

/** @throws Fault `no-service-manager`. */
async function mustReach(context: Context, service: Service, { probe }: Plan): Promise<void> {
  const { ok, why } = await runStep(context, probe)
  if (!ok) throw noManager(spellCommand(service), short(why))
}

/** What runs by hand would keep the service from its work. */
async function mustBeFree(context: Context, disk: Disk, { role }: Service, plan: Plan): Promise<void> {
  const words = commandOf[role].join(' ')
  if ((await ownerOf(context, disk)) !== words || (await isRunning(context, disk, role, plan)) !== false)
    return
  throw new Fault(
    'locked',
    `\`stemma ${words}\` runs already, not as a service; stop it, and install the service then.`,
    { what: words },
  )
}

/** @throws Fault `service-failed` when it does not end. */
async function stop(context: Context, disk: Disk, { role, system }: Service, plan: Plan): Promise<void> {
  const isTask = system === 'win32'
  // What ends on request has its script end with it; the end of the task would leave it behind.
  if (isTask) await askToStop(context, disk, role)
  await runAll(context, plan.stop)
  const ended = isTask
    ? await askAway(context, disk, role)
    : await eventually(context, async () => (await isRunning(context, disk, role, plan)) !== true)
  if (!ended)
    throw new Fault('service-failed', `${plan.name} could not be stopped, and stays.`, { service: plan.name })
}

/**
 * Asks what a task had started to end, until it is gone. A watcher that has lent the folder cannot be asked, and takes it
 * back after a moment: it is waited for.
 */
async function askAway(context: Context, disk: Disk, role: Role): Promise<boolean> {
  const { clock, signal } = context
  const until = clock.monotonic() + serviceStartMs
  const quietLooks = role === 'follower' ? Math.ceil((2 * lentMs) / serviceLookMs) : 1
  for (let quiet = 0; quiet < quietLooks; ) {
    if ((await ownerOf(context, disk)) === null) quiet++
    else {
      if (clock.monotonic() >= until) return false
      quiet = 0
      await askToStop(context, disk, role)
    }
    await clock.wait(serviceLookMs, signal)
  }
  return true
}

/** @throws Fault `service-failed` with what the service manager said. */
async function runAll(context: Context, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const { ok, why } = await runStep(context, step)
    context.signal.throwIfAborted()
    if (!ok && step.mayFail !== true)
      throw new Fault(
        'service-failed',
        `\`${step.words.join(' ')}\` failed: ${short(why).replace(/\.?$/, '.')}`,
        {
          command: step.words.join(' '),
        },
      )
  }
}

const short = (text: string): string => text.replace(/\s+/g, ' ').slice(0, serviceWordsMax)

/** After a failure: what was there before it, running again; or nothing. */
async function undo(
  context: Context,
  disk: Disk,
  service: Service,
  before: readonly { readonly file: ServiceFile; readonly bytes: Buffer | null }[],
): Promise<void> {
  const plan = planOf(service)
  const wasInstalled = before.some(({ file, bytes }) => file.path === plan.files[0].path && bytes !== null)
  if (!wasInstalled) {
    await uninstall(context, disk, service)
    return
  }
  for (const { file, bytes } of before) {
    if (bytes === null) await disk.unlink(file.path)
    else await saveFile(disk, context.ids, file.path, bytes, file.mode)
  }
  for (const step of plan.start) await runStep(context, step)
}

/** The same folder may have been a master's and a follower's, and have a service of each. */
async function hasOther(disk: Disk, service: Service): Promise<boolean> {
  const other = planOf({ ...service, role: service.role === 'master' ? 'follower' : 'master' })
  return isInstalled(disk, other)
}

async function removeShared(context: Context, disk: Disk, service: Service): Promise<string | null> {
  const launcher = launcherFile(service)
  const isOurs = await readOwn(disk, launcher).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'not-ours') return null
    throw error
  })
  const kept = await letPackageGo(context, disk)
  if (isOurs !== null && kept === null) await disk.unlink(launcher)
  await disk.removeDir(dirname(launcher))
  return kept
}

/** Removes the copied package, unless Codex starts our hooks out of it. @returns the folder when it stays. */
async function letPackageGo(context: Context, disk: Disk): Promise<string | null> {
  const { homes } = context
  const app = appFolder(homes.stemmaHome)
  const users = [`${homes.codexHome}/${hooksPath}`, shimFile(context)]
  for (const path of (await disk.stat(app)) === null ? [] : users) {
    const text = (await readFile(disk, path, secretBytesMax))?.toString() ?? ''
    if (namesCopy(text)) return app
  }
  await dropPackage(disk, homes.stemmaHome)
  return null
}

/** Looks again and again. @returns false when it never came to be. */
async function eventually({ clock, signal }: Context, test: () => Promise<boolean>): Promise<boolean> {
  const until = clock.monotonic() + serviceStartMs
  for (;;) {
    if (await test()) return true
    if (clock.monotonic() >= until) return false
    await clock.wait(serviceLookMs, signal)
  }
}
