/** `master approve`: lets a waiting machine in. */
import { exitCodes } from '../../schemas/code.ts'
import { judged } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'
import { mustBeName } from '../master/find.ts'

export const command = define({
  args: ['FOLLOWER'],
  options: {},
  known: { FOLLOWER: 'waiting' },
  about: [
    'FOLLOWER is its whole name, its id, or at least 8 characters of that. The id stands in ' +
      '`stemma master followers` here and on the screen of the machine that waits.',
  ],
  examples: ['master approve laptop', 'master approve 3f9a0c12ab34'],
  async run(context, [follower]) {
    const { id, name } = await ask(context, { cmd: 'approve', follower: mustBeName(follower) }, judged)
    if (context.json) context.out.json({ id, name })
    else context.out.line(name, ` (${id.slice(0, 12)}) `, 'is let in.')
    return exitCodes.done
  },
})
