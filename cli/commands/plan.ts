/** `plan`: what `apply` would change, and why. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { glance } from '../follower/glance.ts'
import { positionOf } from '../follower/sync.ts'
import { tellPlan } from '../follower/tell.ts'

export const command = define({
  args: [],
  options: {},
  about: ['Works offline and changes nothing. `stemma sync --dry-run` asks the master first.'],
  examples: ['plan', 'plan --json'],
  async run(context) {
    const { planned, position } = await glance(context, 'plan', async (desk) => ({
      planned: await desk.keeper.plan(),
      position: positionOf(desk),
    }))
    tellPlan(context, planned, position)
    return exitCodes.done
  },
})
