/** `resolve PATH`: settles one conflict. */
import { exitCodes } from '../../schemas/code.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { isHomePath } from '../../schemas/path.ts'
import { choice, define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { positionOf } from '../follower/sync.ts'
import { tellApplied } from '../follower/tell.ts'

export const command = define({
  args: ['PATH'],
  options: {
    take: choice(['canonical', 'local'], 'which of the two stays'),
  },
  about: [
    'PATH is as `stemma conflicts` shows it. With `canonical` the local file is backed up first; with `local` it stays',
    'until the canonical one changes again.',
  ],
  examples: ['resolve AGENTS.md --take local', 'resolve skills/review/SKILL.md --take canonical'],
  run: (context, [path], { take }) =>
    withFollower(context, 'resolve', async (desk) => {
      if (take === undefined)
        throw new Fault('usage', 'Say which of the two stays: --take canonical or --take local.', {
          help: 'resolve',
        })
      if (!isHomePath(path))
        throw new Fault('usage', 'PATH is not a path within the Codex home.', { help: 'resolve' })
      const result = await desk.applier.resolve(path, take, desk.desired)
      if (isRefusal(result)) throw toFault(result)
      const exit = tellApplied(context, result, positionOf(desk))
      // Other conflicts are not what was asked about.
      return exit === exitCodes.conflicts && !result.conflicts.some((one) => one.path === path)
        ? exitCodes.done
        : exit
    }),
})
