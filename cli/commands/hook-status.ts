/** `hook status`: is the hook there, and will Codex really run it? */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { hookStatus, tellSkipped, wordsOf } from '../follower/hook.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['hook status', 'hook status --json'],
  run: (context) =>
    withFollower(context, 'hook status', async (desk) => {
      const status = await hookStatus(desk)
      if (context.json) context.out.json(status)
      else {
        context.out.flow(0, 'The session hook: ', wordsOf(status), '.')
        tellSkipped(context, status)
      }
      return exitCodes.done
    }),
})
