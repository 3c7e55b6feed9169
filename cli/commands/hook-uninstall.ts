/** `hook uninstall`: takes the hook out of Codex again. */
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { applyStored } from '../follower/sync.ts'

export const command = define({
  args: [],
  options: {},
  about: ['Your own hooks and the canonical ones stay.'],
  examples: ['hook uninstall'],
  run: (context) =>
    withFollower(context, 'hook uninstall', async (desk, local) => {
      await desk.setLocal({ ...local, hook: false })
      return applyStored(desk)
    }),
})
