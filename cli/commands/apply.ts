/** `apply`: brings the home up to what is stored here, without the master. */
import { exitCodes } from '../../schemas/code.ts'
import { define, flag } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { applyStored, positionOf } from '../follower/sync.ts'
import { tellPlan } from '../follower/tell.ts'

export const command = define({
  args: [],
  options: {
    'dry-run': flag('only show what would change'),
  },
  about: ['Works offline. Exits with 3 when conflicts wait.'],
  examples: ['apply', 'apply --dry-run'],
  run: (context, _args, options) =>
    withFollower(context, 'apply', async (desk) => {
      if (!options['dry-run']) return applyStored(desk)
      tellPlan(context, await desk.applier.plan(desk.desired), positionOf(desk))
      return exitCodes.done
    }),
})
