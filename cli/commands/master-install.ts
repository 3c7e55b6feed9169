/** `master install`: the master as a service of this user. */
import { Fault } from '../../schemas/fault.ts'
import { define } from '../command.ts'
import { mustBeHosts, mustBeRanges, serveOptions } from '../master/options.ts'
import { installAbout, printOption, runInstall } from '../service/command.ts'
import { commandOf } from '../service/service.ts'

export const command = define({
  args: [],
  options: { ...printOption, ...serveOptions },
  about: [
    ...installAbout,
    'The options are those of `stemma master serve`, and those of settings.toml count as well. Run it again to change them.',
  ],
  examples: ['master install', 'master install --port 18000 --approve', 'master install --print'],
  async run(context, _args, options) {
    mustBeHosts(options.host, 'master install')
    mustBeRanges(options)
    if (options.port === 0)
      throw new Fault('usage', 'A service needs a port that stays: followers come back to it.', {
        help: 'master install',
      })
    const each = (name: string, values: readonly string[]) => values.flatMap((value) => [`--${name}`, value])
    const words = [
      ...commandOf.master,
      ...each('host', options.host),
      ...each('port', options.port === undefined ? [] : [String(options.port)]),
      ...each('allow', options.allow),
      ...each('deny', options.deny),
      ...(options.approve ? ['--approve'] : []),
    ]
    return runInstall(context, 'master', words, options)
  },
})
