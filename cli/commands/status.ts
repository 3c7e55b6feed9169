/** `status`: what this machine is and how it stands, for either role. */
import { describeStaged } from '../../engine/apply/plan.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { masterStatus } from '../../schemas/report.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import { conflictsOf, tellConflicts, tellKept } from '../follower/conflict.ts'
import { tellContact, troubleOf } from '../follower/contact.ts'
import { linkOf, withFollower } from '../follower/desk.ts'
import { hookStatus, tellSkipped, wordsOf } from '../follower/hook.ts'
import { positionOf } from '../follower/sync.ts'
import { heldBack, stagedUntil, tellFaults, tellLeft, tellStaged, waitingFor } from '../follower/tell.ts'
import { ask } from '../master/answer.ts'
import { tellMaster } from '../master/tell.ts'
import { type ServiceState, serviceState, serviceWords } from '../service/state.ts'
import { ago, counted } from '../ui/amount.ts'
import { bold } from '../ui/paint.ts'

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
    const service = await serviceState(context, disk, local.role)
    if (local.role === 'master')
      tellMaster(context, await ask(context, { cmd: 'status' }, masterStatus), service)
    else await tellFollower(context, service)
    return exitCodes.done
  },
})

const tellFollower = (context: Context, service: ServiceState): Promise<void> =>
  withFollower(context, 'status', async (desk, local) => {
    const { contact } = desk
    const planned = await desk.keeper.plan()
    const { plan } = planned
    const conflicts = conflictsOf(plan.conflicts, planned.inner)
    const settled = conflictsOf(plan.settled, planned.innerSettled)
    const hook = await hookStatus(desk)
    const position = positionOf(desk)
    const trouble = await troubleOf(desk)
    const { host, port, fingerprint } = linkOf(local)
    const pending = contact.contactMs === 0 ? null : contact.masterSeq > position.seq || plan.steps.length > 0
    const report = {
      role: 'follower' as const,
      id: desk.follower.id,
      master: { host, port, fingerprint },
      log: desk.follower.head?.logId.toString('hex') ?? null,
      ...position,
      appliedSeq: contact.appliedSeq,
      files: desk.follower.state
        ? desk.follower.state.maps.files.size + desk.follower.state.maps.secrets.size
        : 0,
      pending,
      conflicts,
      settled,
      staged: describeStaged(plan.staged),
      stagedUntil: stagedUntil(planned),
      left: planned.left,
      hook,
      lastContact: contact.contactMs === 0 ? null : new Date(contact.contactMs).toISOString(),
      trouble,
      name: desk.called,
      faults: plan.faults.map(({ path, fault }) => ({ path, code: fault.code, message: fault.message })),
      service,
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
        ['this machine', desk.called ?? 'not enrolled yet'],
        ['id', report.id.slice(0, 12)],
        ['entry', `${position.seq}${stateOf(pending, heldBack(planned, plan.faults))}`],
        ['revision', position.revision.slice(0, 16)],
        ['files', `${report.files}${plan.staged.length > 0 ? `, but ${waitingFor(plan.staged)}` : ''}`],
        ['fingerprint', fingerprint],
        ['hook', wordsOf(hook)],
        ['service', serviceWords('follower', service)],
        ['last contact', contact.contactMs === 0 ? 'never' : ago(contact.contactMs, clock.now())],
      ],
    )
    tellContact(context, trouble)
    tellKept(context, settled)
    tellConflicts(context, conflicts)
    tellStaged(context, plan.staged, planned)
    tellSkipped(context, hook)
    tellLeft(context, planned)
    tellFaults(context, plan.faults)
  })

/** Behind the number of the entry: what is between this home and it. */
function stateOf(pending: boolean | null, held: number): string {
  if (held > 0)
    return `, but ${counted(held, 'file')} could not be brought up to date${pending ? '; an update waits' : ''}`
  return pending ? ', an update waits (`stemma sync`)' : ''
}
