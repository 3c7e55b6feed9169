/** `conflicts`: where the local and the canonical file differ and nobody has decided yet. */
import { exitCodes } from '../../schemas/code.ts'
import { define, flag } from '../command.ts'
import type { Context } from '../context.ts'
import {
  compareAll,
  conflictsOf,
  isCalled,
  mustFind,
  tellCompared,
  tellConflicts,
  tellKept,
  withoutDot,
} from '../follower/conflict.ts'
import { type FollowerDesk, withFollower } from '../follower/desk.ts'

export const command = define({
  args: ['[PATH]'],
  known: { PATH: 'conflicts' },
  options: {
    diff: flag('show what differs, with what may be secret hidden'),
  },
  about: [
    'With PATH, a file or a key of config.toml, it shows what differs in that one.',
    'Files that hold secrets are named, and their contents not shown.',
  ],
  examples: ['conflicts', 'conflicts --diff', 'conflicts AGENTS.md', 'conflicts mcp_servers.docs.command'],
  run: (context, [words], { diff }) =>
    withFollower(context, 'conflicts', async (desk) => {
      await (words === undefined ? tellAll(context, desk, diff) : tellOne(context, desk, withoutDot(words)))
      return exitCodes.done
    }),
})

async function tellAll(context: Context, desk: FollowerDesk, diff: boolean): Promise<void> {
  const { plan, inner, innerSettled } = await desk.keeper.plan()
  const settled = conflictsOf(plan.settled, innerSettled)
  const compared = diff ? await compareAll(desk, plan.conflicts, inner) : null
  const conflicts = compared ?? conflictsOf(plan.conflicts, inner)
  if (context.json) context.out.json({ conflicts, settled })
  else if (conflicts.length === 0) {
    context.out.line('No conflicts.')
    tellKept(context, settled)
  } else if (compared) tellCompared(context, compared)
  else tellConflicts(context, conflicts)
}

/** One that was settled can be looked at, too. */
async function tellOne(context: Context, desk: FollowerDesk, words: string): Promise<void> {
  const { plan, inner, innerSettled } = await desk.keeper.plan()
  mustFind([...conflictsOf(plan.conflicts, inner), ...conflictsOf(plan.settled, innerSettled)], words)
  const open = (await compareAll(desk, plan.conflicts, inner)).filter((one) => isCalled(one, words))
  const settled = (await compareAll(desk, plan.settled, innerSettled)).filter((one) => isCalled(one, words))
  if (context.json) context.out.json({ conflicts: open, settled })
  else tellCompared(context, [...open, ...settled])
}
