/** `master revoke`: cuts a follower off for ever. */
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { type FollowerReport, followersReport, judged } from '../../schemas/report.ts'
import { define, flag } from '../command.ts'
import { mustConfirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { ask } from '../master/answer.ts'
import { findFollower, mustBeName } from '../master/find.ts'
import { ago } from '../ui/amount.ts'

export const command = define({
  args: ['FOLLOWER'],
  known: { FOLLOWER: 'enrolled' },
  options: {
    yes: flag('do not ask; for scripts'),
  },
  about: [
    'It gets nothing more from now on, and its key can never enrol again. What it already has, it has.',
    'New machines wait for approval afterwards, until `stemma master open`.',
    'FOLLOWER is its whole name, its id, or at least 8 characters of that, as in `stemma master followers`.',
  ],
  examples: ['master revoke laptop', 'master revoke 3f9a0c12ab34 --yes'],
  async run(context, [words], { yes }) {
    const name = mustBeName(words)
    const { followers } = await ask(context, { cmd: 'followers' }, followersReport)
    const row = findFollower(followers, name)
    if (row.state === 'waiting') throw new Fault('unknown-follower', `${row.name} is not enrolled.`)
    // Who is cut off already is not cut off by mistake.
    if (!yes && row.state === 'enrolled') await mustMean(context, row)
    // By its whole id: whoever came meanwhile is not meant.
    const done = await ask(context, { cmd: 'revoke', follower: row.id }, judged)
    if (context.json) context.out.json({ id: done.id, name: done.name })
    else if (row.state === 'revoked') context.out.line(row.name, ' was revoked already; that is for ever.')
    else {
      context.out.line(row.name, ` (${row.id.slice(0, 12)}) `, 'is cut off.')
      context.out.flow(0, 'New machines wait for `stemma master approve` now, until `stemma master open`.')
    }
    return exitCodes.done
  },
})

const mustMean = (context: Context, { name, id, platform, enrolledMs }: FollowerReport): Promise<void> =>
  mustConfirm(
    context,
    {
      text: `Cut ${name} (${id.slice(0, 12)}, ${platform}, joined ${ago(enrolledMs, context.clock.now())}) off for ever?`,
      enter: 'no',
    },
    `${name} was not cut off.`,
    'master revoke',
  )
