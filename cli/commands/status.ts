/** `status`: what this machine is and how it stands, for either role. */
import { loadLocal } from '../../engine/settings/file.ts'
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { masterStatus } from '../../schemas/report.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import { linkOf, withFollower } from '../follower/desk.ts'
import { positionOf } from '../follower/sync.ts'
import { conflictReport, tellConflicts } from '../follower/tell.ts'
import { ask } from '../master/answer.ts'
import { tellMaster } from '../master/tell.ts'
import { ago } from '../ui/amount.ts'
import { bold, yellow } from '../ui/paint.ts'

export const command = define({
  args: [],
  options: {},
  about: ['Works offline: what the master has newer is known as of the last contact.'],
  examples: ['status', 'status --json'],
  async run(context) {
    const { homes } = context
    const disk = await context.openDisk(homes.codexHome)
    const local = await loadLocal(disk, homes.stemmaHome)
    if (!local)
      throw new Fault('not-initialised', `${homes.stemmaHome} belongs to no master and follows none.`)
    if (local.role === 'master') tellMaster(context, await ask(context, { cmd: 'status' }, masterStatus))
    else await tellFollower(context)
    return exitCodes.done
  },
})

const tellFollower = (context: Context): Promise<void> =>
  withFollower(context, 'status', async (desk, local) => {
    const { contact } = desk
    const plan = await desk.applier.plan(desk.desired)
    const position = positionOf(desk)
    const { host, port, fingerprint } = linkOf(local)
    const pending = contact.contactMs === 0 ? null : contact.masterSeq > position.seq || plan.steps.length > 0
    const report = {
      role: 'follower' as const,
      id: desk.follower.id,
      master: { host, port, fingerprint },
      log: desk.follower.head?.logId.toString('hex') ?? null,
      ...position,
      appliedSeq: contact.appliedSeq,
      files: desk.desired.size,
      pending,
      conflicts: conflictReport(plan.conflicts),
      settled: conflictReport(plan.settled),
      hook: { installed: false, trusted: false },
      lastContact: contact.contactMs === 0 ? null : new Date(contact.contactMs).toISOString(),
    }
    if (context.json) {
      context.out.json(report)
      return
    }
    const { out, clock } = context
    out.line(bold('Follower'), ' of ', local.master)
    out.table(
      ['', ''],
      [
        ['entry', `${position.seq}${pending ? ', an update waits (`stemma sync`)' : ''}`],
        ['revision', position.revision.slice(0, 16)],
        ['files', `${report.files}`],
        ['fingerprint', fingerprint],
        ['last contact', contact.contactMs === 0 ? 'never' : ago(contact.contactMs, clock.now())],
      ],
    )
    if (plan.settled.length > 0)
      out.line(yellow('Kept by your choice: '), plan.settled.map((one) => one.path).join(', '))
    tellConflicts(context, plan.conflicts)
  })
