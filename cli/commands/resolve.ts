/** `resolve PATH|KEY`: settles one conflict. */
import { exitCodes } from '../../schemas/code.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { choice, define } from '../command.ts'
import { conflictsOf, isCalled, mustFind, tellSettled, withoutDot } from '../follower/conflict.ts'
import { withFollower } from '../follower/desk.ts'
import { positionOf } from '../follower/sync.ts'
import { tellApplied } from '../follower/tell.ts'

export const command = define({
  args: ['PATH'],
  known: { PATH: 'conflicts' },
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
  run: (context, [words], { take }) =>
    withFollower(context, 'resolve', async (desk) => {
      if (take === undefined)
        throw new Fault('usage', 'Say which of the two stays: --take canonical or --take local.', {
          help: 'resolve',
        })
      const path = withoutDot(words)
      await desk.keeper.recover()
      const planned = await desk.keeper.plan()
      const { plan, inner, innerSettled } = planned
      const asked = mustFind(
        [...conflictsOf(plan.conflicts, inner), ...conflictsOf(plan.settled, innerSettled)],
        path,
      )
      const result = await desk.keeper.resolve(path, take, planned)
      if (isRefusal(result)) throw toFault(result)
      await desk.deal(result.faults.length === 0, result.staged.length > 0)
      const open = conflictsOf(result.conflicts, result.inner).filter((one) => isCalled(one, path))
      const failed = new Set([...result.left, ...result.faults].map((one): string => one.path))
      const settled = open.length > 0 ? [] : asked.filter((one) => !failed.has(one.path))
      const isTold = !context.json && tellSettled(context, settled, take, result.backups)
      const exit = tellApplied(context, isTold ? { ...result, backups: [] } : result, positionOf(desk))
      // Other conflicts are not what was asked about.
      return exit === exitCodes.conflicts && open.length === 0 ? exitCodes.done : exit
    }),
})
