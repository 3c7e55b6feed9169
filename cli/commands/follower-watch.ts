/** `follower watch`: keeps a link to the master, and the home up to date, until it is stopped. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { watch } from '../follower/watch.ts'

export const command = define({
  args: [],
  options: {},
  about: [
    'Brings in every change within moments, and comes back by itself after sleep, another network, or a restart of the ' +
      'master. Other commands work meanwhile. Ends with 4 when the master has revoked this machine, ' +
      'and with 6 when what is stored here is damaged.',
    'Logs go to standard error; with --json each fact is one line on standard output.',
  ],
  examples: ['follower watch'],
  async run(context) {
    await watch(context)
    return exitCodes.done
  },
})
