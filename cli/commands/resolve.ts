/** `resolve PATH|KEY`: settles one conflict. */
import { exitCodes } from '../../schemas/code.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { choice, define } from '../command.ts'
import { conflictsOf, isCalled } from '../follower/conflict.ts'
import { withFollower } from '../follower/desk.ts'
import { positionOf } from '../follower/sync.ts'
import { tellApplied } from '../follower/tell.ts'

export const command = define({
  args: ['PATH'],
  options: {
    take: choice(['canonical', 'local'], 'which of the two stays'),
  },
  about: [
    'PATH is a file or a key of config.toml, as `stemma conflicts` shows it. With `canonical` the local one is ' +
      'backed up first; with `local` it stays until the canonical one changes again, or is taken after all.',
  ],
  examples: [
    'resolve AGENTS.md --take local',
    'resolve skills/review/SKILL.md --take canonical',
    'resolve mcp_servers.docs.command --take local',
  ],
  run: (context, [path], { take }) =>
    withFollower(context, 'resolve', async (desk) => {
      if (take === undefined)
        throw new Fault('usage', 'Say which of the two stays: --take canonical or --take local.', {
          help: 'resolve',
        })
      const result = await desk.keeper.resolve(path, take)
      if (isRefusal(result)) throw toFault(result)
      await desk.deal(result.faults.length === 0, result.staged.length > 0)
      const exit = tellApplied(context, result, positionOf(desk))
      // Other conflicts are not what was asked about.
      return exit === exitCodes.conflicts &&
        !conflictsOf(result.conflicts, result.inner).some((one) => isCalled(one, path))
        ? exitCodes.done
        : exit
    }),
})
