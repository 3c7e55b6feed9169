/** `follower uninstall`: the watch is no service any more. */
import { define } from '../command.ts'
import { runUninstall, uninstallAbout } from '../service/command.ts'

export const command = define({
  args: [],
  options: {},
  about: uninstallAbout,
  examples: ['follower uninstall'],
  run: (context) => runUninstall(context, 'follower'),
})
