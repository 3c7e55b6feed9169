/** `hook status`: is the hook there, and will Codex really run it? */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { glance } from '../follower/glance.ts'
import { hookStatus, tellSkipped, wordsOf } from '../follower/hook.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['hook status', 'hook status --json'],
  async run(context) {
    const status = await glance(context, 'hook status', hookStatus)
    if (context.json) context.out.json(status)
    else {
      context.out.flow(0, 'The session hook: ', wordsOf(status), '.')
      tellSkipped(context, status)
    }
    return exitCodes.done
  },
})
