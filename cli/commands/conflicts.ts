/** `conflicts`: where the local and the canonical file differ and nobody has decided yet. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { conflictReport, tellConflicts } from '../follower/tell.ts'
import { counted } from '../ui/amount.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['conflicts', 'conflicts --json'],
  run: (context) =>
    withFollower(context, 'conflicts', async (desk) => {
      const { conflicts, settled } = await desk.applier.plan(desk.desired)
      if (context.json)
        context.out.json({ conflicts: conflictReport(conflicts), settled: conflictReport(settled) })
      else if (conflicts.length > 0) tellConflicts(context, conflicts)
      else {
        const kept =
          settled.length > 0 ? ` ${counted(settled.length, 'local file')} kept by your choice.` : ''
        context.out.line('No conflicts.', kept)
      }
      return exitCodes.done
    }),
})
