/** `follower leave`: stops following; the files stay where they are. */
import { removeTree } from '../../engine/disk/tree.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { exitCodes } from '../../schemas/code.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import { type FollowerDesk, withFollower } from '../follower/desk.ts'
import { hookStatus } from '../follower/hook.ts'
import { part } from '../follower/part.ts'
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
    return withFollower(context, 'follower leave', async (desk, local) => {
      await desk.keeper.recover()
      const hook = await withoutHook(desk, local)
      const shim = (await hasShim(context, desk.disk)) ? shimFile(context) : null
      const secrets = await secretsHere(desk)
      await removeTree(desk.disk, `${context.homes.stemmaHome}/apply`)
      await part(desk)
      if (context.json)
        context.out.json({ left: local.master, hookLeft: hook === 'left', hook, shim, secrets, service })
      else tellLeft(context, local.master, { hook, shim, secrets, service, id: desk.follower.id })
      return exitCodes.done
    })
  },
})

type Staying = {
  readonly hook: 'removed' | 'left' | 'none'
  readonly shim: string | null
  readonly secrets: readonly string[]
  /** The service is removed; it would have nothing to watch. */
  readonly service: 'removed' | 'none'
  readonly id: string
}

function tellLeft(
  { out, homes }: Context,
  master: string,
  { hook, shim, secrets, service, id }: Staying,
): void {
  out.flow(0, 'No longer following ', master, '.')
  const shown = secrets.slice(0, shownMax).join(', ') + (secrets.length > shownMax ? ' and more' : '')
  out.flow(
    0,
    ...['The files in ', homes.codexHome, ' stay'],
    shown === '' ? '.' : `, those with secrets included (${shown}).`,
  )
  if (service === 'removed') out.line('The service is removed.')
  if (hook === 'removed') out.line('The session hook is removed.')
  if (hook === 'left')
    out.flow(0, 'The session hook is in hooks.json still, and does nothing; remove its entry there.')
  if (shim !== null)
    out.flow(0, 'The shim stays, and only starts Codex: ', shim, ' (`stemma shim uninstall` removes it).')
  out.flow(
    0,
    `The master lists this machine (${id.slice(0, 12)}) still; \`stemma master revoke\` there cuts it off for ever.`,
  )
}

/** It would come back again and again for a folder that follows nobody. */
async function withoutService(context: Context): Promise<Staying['service']> {
  const disk = await context.openDisk()
  const local = await loadLocal(disk, context.homes.stemmaHome)
  const plan = local?.role === 'follower' ? await planHere(context, disk, 'follower') : null
  if (plan === null || !(await isInstalled(disk, plan))) return 'none'
  await uninstall(context, disk, await serviceHere(context, disk, 'follower'))
  return 'removed'
}

/** Takes the session hook out of Codex, in a last apply of what is stored here. */
async function withoutHook(desk: FollowerDesk, local: FollowerLocal): Promise<Staying['hook']> {
  const { follower } = desk
  const { installed } = await hookStatus(desk)
  if (local.hook !== true) return installed ? 'left' : 'none'
  if (follower.state && (await follower.missing(follower.state)).length > 0) return 'left'
  await desk.setLocal({ ...local, hook: false })
  await desk.keeper.apply()
  if ((await hookStatus(desk)).installed) return 'left'
  return installed ? 'removed' : 'none'
}

/** Canonical files with secrets that are in the home. */
async function secretsHere({ disk, context, follower }: FollowerDesk): Promise<string[]> {
  const here: string[] = []
  for (const path of [...(follower.state?.maps.secrets.rows().keys() ?? [])].sort())
    if ((await disk.stat(`${context.homes.codexHome}/${path}`)) !== null) here.push(path)
  return here
}
