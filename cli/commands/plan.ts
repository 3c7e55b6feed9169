/** `plan`: what `apply` would change, and why. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { positionOf } from '../follower/sync.ts'
import { tellPlan } from '../follower/tell.ts'

export const command = define({
  args: [],
  options: {},
  about: ['Works offline and changes nothing. `stemma sync --dry-run` asks the master first.'],
  examples: ['plan', 'plan --json'],
  run: (context) =>
    withFollower(context, 'plan', async (desk) => {
      tellPlan(context, await desk.keeper.plan(), positionOf(desk))
      return exitCodes.done
    }),
})
