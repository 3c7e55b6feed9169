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
import type { FollowerDesk } from '../follower/desk.ts'
import { glance } from '../follower/glance.ts'

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
  async run(context, [words], { diff }) {
    const path = words === undefined ? null : withoutDot(words)
    const tell = await glance(context, 'conflicts', (desk) =>
      path === null ? lookAtAll(desk, diff) : lookAtOne(desk, path),
    )
    tell(context)
    return exitCodes.done
  },
})

type Tell = (context: Context) => void

async function lookAtAll(desk: FollowerDesk, diff: boolean): Promise<Tell> {
  const { plan, inner, innerSettled } = await desk.keeper.plan()
  const settled = conflictsOf(plan.settled, innerSettled)
  const compared = diff ? await compareAll(desk, plan.conflicts, inner) : null
  const conflicts = compared ?? conflictsOf(plan.conflicts, inner)
  return (context) => {
    if (context.json) context.out.json({ conflicts, settled })
    else if (conflicts.length === 0) {
      context.out.line('No conflicts.')
      tellKept(context, settled)
    } else if (compared) tellCompared(context, compared)
    else tellConflicts(context, conflicts)
  }
}

/** One that was settled can be looked at, too. */
async function lookAtOne(desk: FollowerDesk, words: string): Promise<Tell> {
  const { plan, inner, innerSettled } = await desk.keeper.plan()
  const open = (await compareAll(desk, plan.conflicts, inner)).filter((one) => isCalled(one, words))
  const settled = (await compareAll(desk, plan.settled, innerSettled)).filter((one) => isCalled(one, words))
  return (context) => {
    mustFind([...conflictsOf(plan.conflicts, inner), ...conflictsOf(plan.settled, innerSettled)], words)
    if (context.json) context.out.json({ conflicts: open, settled })
    else tellCompared(context, [...open, ...settled])
  }
}
