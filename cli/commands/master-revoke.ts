/** `master revoke`: cuts a follower off for ever. */
import { exitCodes } from '../../schemas/code.ts'
import { judged } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'
import { mustBeName } from '../master/find.ts'

export const command = define({
  args: ['FOLLOWER'],
  options: {},
  about: [
    'It gets nothing more from now on, and its key can never enrol again. What it already has, it has.',
    'New machines wait for approval afterwards, until `stemma master open`.',
  ],
  examples: ['master revoke laptop', 'master revoke 3f9a0c'],
  async run(context, [follower]) {
    const { id, name } = await ask(context, { cmd: 'revoke', follower: mustBeName(follower) }, judged)
    if (context.json) context.out.json({ id, name })
    else
      context.out.line(
        name,
        ` (${id.slice(0, 12)}) `,
        'is cut off. New machines now wait for `stemma master approve` (`stemma master open` lets them in again).',
      )
    return exitCodes.done
  },
})
