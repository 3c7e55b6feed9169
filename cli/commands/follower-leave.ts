/** `follower leave`: stops following; the files stay where they are. */
import { removeTree } from '../../engine/disk/tree.ts'
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
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
      await desk.applier.recover()
      await removeTree(desk.disk, `${context.homes.stemmaHome}/apply`)
      await part(desk)
      if (context.json) context.out.json({ left: local.master })
      else
        context.out.line(
          'No longer following ',
          local.master,
          '. The files in ',
          context.homes.codexHome,
          ' stay.',
        )
      return exitCodes.done
    }),
})
