/** `follower leave`: stops following; the files stay where they are. */
import { publishedHooks } from '../../engine/compose/hooks.ts'
import { hooksPath, textOf } from '../../engine/compose/kind.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { readFile, saveFile } from '../../engine/disk/save.ts'
import { removeTree } from '../../engine/disk/tree.ts'
import { followerId } from '../../engine/keys/keys.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { mustKeep } from '../../engine/settings/kept.ts'
import { exitCodes } from '../../schemas/code.ts'
import { isRefusal } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import type { FollowerDesk } from '../follower/desk.ts'
import { hookStatus } from '../follower/hook.ts'
import { type Parting, part, tellKept, unlessDamaged, withParting } from '../follower/part.ts'
import { serviceHere } from '../service/here.ts'
import { uninstall } from '../service/install.ts'
import { isInstalled, planHere } from '../service/state.ts'
import { hasShim, shimFile } from '../shim/file.ts'

/** Files with secrets that are named. */
const shownMax = 8

export const command = define({
  args: [],
  options: {},
  about: [
    'Forgets the master and its log. The files in the Codex home stay and are yours; backups stay too.',
    'On the master, `stemma master revoke` makes sure that this machine gets nothing more.',
  ],
  examples: ['follower leave'],
  async run(context) {
    const service = await withoutService(context)
    return withParting(context, 'follower leave', async (parting, local) => {
      const { disk, desk, keys } = parting
      const hook = await withoutHook(parting, local)
      const shim = (await hasShim(context, disk)) ? shimFile(context) : null
      const secrets = desk && (await secretsHere(desk))
      await removeTree(disk, `${context.homes.stemmaHome}/apply`)
      const kept = await part(parting)
      const id = keys && followerId(keys.node.public)
      if (context.json)
        context.out.json({
          left: local.master,
          hookLeft: hook === 'left',
          hook,
          shim,
          secrets,
          service,
          kept,
        })
      else tellLeft(context, local.master, { hook, shim, secrets, service, id, kept })
      return exitCodes.done
    })
  },
})

type Staying = {
  readonly hook: 'removed' | 'left' | 'none'
  readonly shim: string | null
  /** Null where the log cannot say. */
  readonly secrets: readonly string[] | null
  /** The service is removed; it would have nothing to watch. */
  readonly service: 'removed' | 'none'
  /** Null where its keys are lost. */
  readonly id: string | null
  /** Something damaged, by the names that it has now. */
  readonly kept: readonly string[]
}

function tellLeft(
  context: Context,
  master: string,
  { hook, shim, secrets, service, id, kept }: Staying,
): void {
  const { out, homes } = context
  out.flow(0, 'No longer following ', master, '.')
  const all = secrets ?? []
  const shown = all.slice(0, shownMax).join(', ') + (all.length > shownMax ? ' and more' : '')
  const named = secrets ? `(${shown})` : '(only the log could name them)'
  out.flow(
    0,
    ...['The files in ', homes.codexHome, ' stay'],
    secrets?.length === 0 ? '.' : `, those with secrets included ${named}.`,
  )
  if (service === 'removed') out.line('The service is removed.')
  if (hook === 'removed') out.line('The session hook is removed.')
  if (hook === 'left')
    out.flow(0, 'The session hook is in hooks.json still, and does nothing; remove its entry there.')
  if (shim !== null)
    out.flow(0, 'The shim stays, and only starts Codex: ', shim, ' (`stemma shim uninstall` removes it).')
  tellKept(context, kept, id === null)
  out.flow(
    0,
    `The master lists this machine${id ? ` (${id.slice(0, 12)})` : ''} still; \`stemma master revoke\` there cuts it off for ever.`,
  )
}

/** It would come back again and again for a folder that follows nobody. */
async function withoutService(context: Context): Promise<Staying['service']> {
  const disk = await context.openDisk()
  const local = await loadLocal(disk, context.homes.stemmaHome)
  if (local) await mustKeep(disk, context.homes, local)
  const plan = local?.role === 'follower' ? await planHere(context, disk, 'follower') : null
  if (plan === null || !(await isInstalled(disk, plan))) return 'none'
  await uninstall(context, disk, await serviceHere(context, disk, 'follower'))
  return 'removed'
}

/** Takes the session hook out of Codex: in a last apply of what is stored here, or else, out of hooks.json alone. */
async function withoutHook(
  { context, disk, desk, hasRecords }: Parting,
  local: FollowerLocal,
): Promise<Staying['hook']> {
  const before = desk && (await hookStatus(desk))
  if (local.hook !== true) return before?.installed ? 'left' : 'none'
  const isApplied =
    desk &&
    hasRecords &&
    (await unlessDamaged(async () => {
      if (!(await isComplete(desk))) return false
      await desk.setLocal({ ...local, hook: false })
      await desk.keeper.apply()
      return true
    }))
  const taken = isApplied ? 'none' : await takeOut(context, disk)
  if (taken === 'left') return 'left'
  if (desk && (await hookStatus(desk)).installed) return 'left'
  return before?.installed ? 'removed' : taken
}

const isComplete = async ({ follower }: FollowerDesk): Promise<boolean> =>
  !follower.state || (await follower.missing(follower.state)).length === 0

/** What `publishedHooks` leaves of a file that had our entry alone. */
const noHooksText = `${JSON.stringify({ hooks: {} }, null, 2)}\n`

/** What else is in hooks.json stays. */
async function takeOut({ homes, ids }: Context, disk: Disk): Promise<Staying['hook']> {
  const path = `${homes.codexHome}/${hooksPath}`
  const stat = await disk.stat(path)
  if (stat === null) return 'none'
  if (stat.kind !== 'file') return 'left'
  const text = textOf((await readFile(disk, path, secretBytesMax)) ?? Buffer.alloc(0))
  const rest = text === null ? null : publishedHooks(text)
  if (rest === null || isRefusal(rest)) return 'left'
  if (rest === text) return 'none'
  if (rest === noHooksText) await disk.unlink(path)
  else await saveFile(disk, ids, path, Buffer.from(rest), stat.mode & 0o777)
  return 'removed'
}

/** Canonical files with secrets that are in the home. */
async function secretsHere({ disk, context, follower }: FollowerDesk): Promise<string[]> {
  const here: string[] = []
  for (const path of [...(follower.state?.maps.secrets.rows().keys() ?? [])].sort())
    if ((await disk.stat(`${context.homes.codexHome}/${path}`)) !== null) here.push(path)
  return here
}
