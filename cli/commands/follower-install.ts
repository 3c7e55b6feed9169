/** `follower install`: the watch over the master as a service of this user. */
import { define } from '../command.ts'
import { installAbout, printOption, runInstall } from '../service/command.ts'
import { commandOf } from '../service/service.ts'

export const command = define({
  args: [],
  options: printOption,
  about: [
    ...installAbout,
    'It runs `stemma follower watch`. You need it only for changes within moments: the session hook alone keeps this home fresh, too.',
  ],
  examples: ['follower install', 'follower install --print'],
  run: (context, _args, options) => runInstall(context, 'follower', commandOf.follower, options),
})
