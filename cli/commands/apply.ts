/** `apply`: brings the home up to what is stored here, without the master. */
import { exitCodes } from '../../schemas/code.ts'
import { lockPatienceMs } from '../../schemas/limits.ts'
import { define, flag, text } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { applyStored, positionOf } from '../follower/sync.ts'
import { tellPlan } from '../follower/tell.ts'
import { isAlive } from '../hook/alive.ts'
import { waitForWork } from '../hook/worker.ts'

export const command = define({
  args: [],
  options: {
    now: flag('do not wait for sessions of Codex that are in progress'),
    ended: text('ID', 'this session is over, though its process is still there (for the hook)'),
    'dry-run': flag('only show what would change'),
  },
  about: [
    'Works offline. Exits with 3 when conflicts wait.',
    'Instructions, skills and another login wait until no session of Codex is in progress, 12 hours at most.',
  ],
  examples: ['apply', 'apply --dry-run', 'apply --now'],
  async run(context, _args, options) {
    const { homes, clock } = context
    // News that the session itself brought has to be here first.
    if (options.ended !== undefined)
      await waitForWork({ ...homes, disk: await context.openDisk(), clock, isAlive }, lockPatienceMs)
    return withFollower(context, 'apply', async (desk) => {
      const keeper = desk.keep(options.now ? 'nothing' : { ended: options.ended ?? null })
      if (!options['dry-run']) return applyStored(desk, {}, keeper)
      tellPlan(context, await keeper.plan(), positionOf(desk))
      return exitCodes.done
    })
  },
})
