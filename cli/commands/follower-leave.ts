/** `follower leave`: stops following; the files stay where they are. */
import { removeTree } from '../../engine/disk/tree.ts'
import { exitCodes } from '../../schemas/code.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import { define } from '../command.ts'
import { type FollowerDesk, withFollower } from '../follower/desk.ts'
import { hookStatus } from '../follower/hook.ts'
import { part } from '../follower/part.ts'

export const command = define({
  args: [],
  options: {},
  about: [
    'Forgets the master and its log. The files in the Codex home stay and are yours; backups stay too.',
    'On the master, `stemma master revoke` makes sure that this machine gets nothing more.',
  ],
  examples: ['follower leave'],
  run: (context) =>
    withFollower(context, 'follower leave', async (desk, local) => {
      await desk.keeper.recover()
      const hookLeft = await withoutHook(desk, local)
      await removeTree(desk.disk, `${context.homes.stemmaHome}/apply`)
      await part(desk)
      const { codexHome } = context.homes
      if (context.json) context.out.json({ left: local.master, hookLeft })
      else {
        context.out.flow(0, 'No longer following ', local.master, '. The files in ', codexHome, ' stay.')
        if (hookLeft)
          context.out.flow(
            0,
            'The session hook is in hooks.json still, and does nothing; remove its entry there.',
          )
      }
      return exitCodes.done
    }),
})

/** Takes the session hook out of Codex, in a last apply of what is stored here. True when it could not be done. */
async function withoutHook(desk: FollowerDesk, local: FollowerLocal): Promise<boolean> {
  const { follower } = desk
  if (local.hook !== true) return false
  if (follower.state && (await follower.missing(follower.state)).length > 0) return true
  await desk.setLocal({ ...local, hook: false })
  await desk.keeper.apply()
  return (await hookStatus(desk)).installed
}
