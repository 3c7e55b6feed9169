/** `master followers`: who may read the log, who was cut off, and who waits. */
import { exitCodes } from '../../schemas/code.ts'
import { followersReport } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'
import { ago } from '../ui/amount.ts'
import { green, red, yellow } from '../ui/paint.ts'

const painted = { enrolled: green, revoked: red, waiting: yellow } as const

export const command = define({
  args: [],
  options: {},
  examples: ['master followers', 'master followers --json'],
  async run(context) {
    const { out, clock } = context
    const report = await ask(context, { cmd: 'followers' }, followersReport)
    if (context.json) out.json(report)
    else if (report.followers.length === 0)
      out.flow(0, 'No machine has joined yet. `stemma master link` prints the link for it.')
    else
      out.table(
        ['NAME', 'ID', 'SYSTEM', 'STATE', 'SINCE'],
        report.followers.map((row) => [
          row.name,
          row.id.slice(0, 12),
          row.platform,
          painted[row.state](row.state),
          row.enrolledMs === 0 ? '' : ago(row.enrolledMs, clock.now()),
        ]),
      )
    return exitCodes.done
  },
})
