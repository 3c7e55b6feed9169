/** `sync`: fetches what is new from the master and brings the home up to date. */
import { exitCodes } from '../../schemas/code.ts'
import { syncTimeoutMs, timeoutMsMax } from '../../schemas/limits.ts'
import { define, flag, whole } from '../command.ts'
import { linkOf, withFollower } from '../follower/desk.ts'
import { fetchNew } from '../follower/fetch.ts'
import { applyStored, positionOf } from '../follower/sync.ts'
import { tellPlan } from '../follower/tell.ts'
import { duration } from '../ui/amount.ts'

export const command = define({
  args: [],
  options: {
    timeout: whole(
      'MS',
      timeoutMsMax,
      `give up on the master after this long (default: ${duration(syncTimeoutMs)})`,
    ),
    'dry-run': flag('fetch and verify, then only show what would change'),
  },
  about: [
    'Exits with 3 when conflicts wait, 4 when the master is not trusted, 5 when it cannot be reached, 6 when what is ' +
      'stored here is damaged.',
  ],
  examples: ['sync', 'sync --dry-run', 'sync --timeout 2000'],
  run: (context, _args, options) =>
    withFollower(context, 'sync', async (desk, local) => {
      if (!options['dry-run']) await desk.keeper.recover()
      const { fromSeq, toSeq } = await fetchNew(desk, linkOf(local), {
        timeoutMs: options.timeout ?? syncTimeoutMs,
      })
      if (!options['dry-run']) return applyStored(desk, { entries: toSeq - fromSeq })
      tellPlan(context, await desk.keeper.plan(), positionOf(desk))
      return exitCodes.done
    }),
})
