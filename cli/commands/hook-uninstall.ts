/** `hook uninstall`: takes the hook out of Codex again. */
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { changeHook } from '../follower/own.ts'

export const command = define({
  args: [],
  options: {},
  about: ['Your own hooks and the canonical ones stay.'],
  examples: ['hook uninstall'],
  run: (context) =>
    withFollower(context, 'hook uninstall', (desk, local) => changeHook(desk, { ...local, hook: false })),
})
