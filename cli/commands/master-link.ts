/** `master link`: the permanent link for other machines. */
import { exitCodes } from '../../schemas/code.ts'
import { masterLink } from '../../schemas/report.ts'
import { define, text, whole } from '../command.ts'
import { ask } from '../master/answer.ts'
import { mustBeHosts } from '../master/options.ts'
import { bold } from '../ui/paint.ts'

export const command = define({
  args: [],
  options: {
    host: text(
      'ADDRESS',
      'the name or address that others reach this machine by (default: its tailnet address)',
    ),
    port: whole('PORT', 65535, 'the port that others connect to (default: the one that is served)'),
  },
  about: ['The link holds an address and a fingerprint. Nothing in it is secret.'],
  examples: ['master link', 'master link --host desk.example.ts.net', 'master link --json'],
  async run(context, _args, options) {
    if (options.host !== undefined) mustBeHosts([options.host], 'master link')
    const named = {
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.port === undefined ? {} : { port: options.port }),
    }
    const told = await ask(context, { cmd: 'link', ...named }, masterLink)
    const { link, command } = told
    if (context.json) context.out.json(told)
    else {
      context.out.line(bold(link))
      context.out.line()
      // Each on a line of its own, as it is copied.
      context.out.line('On the other machine:')
      context.out.line("  stemma follower join '", link, "'")
      context.out.line('or:')
      context.out.line('  ', command)
    }
    return exitCodes.done
  },
})
