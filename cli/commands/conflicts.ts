/** `conflicts`: where the local and the canonical file differ and nobody has decided yet. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { conflictsOf, tellConflicts } from '../follower/tell.ts'
import { counted } from '../ui/amount.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['conflicts', 'conflicts --json'],
  run: (context) =>
    withFollower(context, 'conflicts', async (desk) => {
      const planned = await desk.keeper.plan()
      const conflicts = conflictsOf(planned.plan.conflicts, planned.inner)
      const { settled } = planned.plan
      if (context.json) context.out.json({ conflicts, settled: conflictsOf(settled, []) })
      else if (conflicts.length > 0) tellConflicts(context, conflicts)
      else {
        const kept =
          settled.length > 0 ? ` ${counted(settled.length, 'local file')} kept by your choice.` : ''
        context.out.line('No conflicts.', kept)
      }
      return exitCodes.done
    }),
})
