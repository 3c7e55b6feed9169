/** `status`: what this machine is and how it stands, for either role. */
import { describeStaged } from '../../engine/apply/plan.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { masterStatus } from '../../schemas/report.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import { conflictsOf, tellConflicts, tellKept } from '../follower/conflict.ts'
import { tellContact, troubleOf } from '../follower/contact.ts'
import { type FollowerDesk, linkOf } from '../follower/desk.ts'
import { glance } from '../follower/glance.ts'
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

async function lookAtFollower(desk: FollowerDesk, local: FollowerLocal) {
  const { contact } = desk
  const planned = await desk.keeper.plan()
  const { plan } = planned
  const position = positionOf(desk)
  const { host, port, fingerprint } = linkOf(local)
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
    pending: contact.contactMs === 0 ? null : contact.masterSeq > position.seq || plan.steps.length > 0,
    conflicts: conflictsOf(plan.conflicts, planned.inner),
    settled: conflictsOf(plan.settled, planned.innerSettled),
    staged: describeStaged(plan.staged),
    stagedUntil: stagedUntil(planned),
    left: planned.left,
    hook: await hookStatus(desk),
    lastContact: contact.contactMs === 0 ? null : new Date(contact.contactMs).toISOString(),
    trouble: await troubleOf(desk),
    name: desk.called,
    faults: plan.faults.map(({ path, fault }) => ({ path, code: fault.code, message: fault.message })),
  }
  return { report, planned, contactMs: contact.contactMs, address: local.master }
}

async function tellFollower(context: Context, service: ServiceState): Promise<void> {
  const { out, clock, json, homes } = context
  const { report, planned, contactMs, address } = await glance(context, 'status', lookAtFollower)
  if (json) {
    out.json({ ...report, service, home: homes.codexHome })
    return
  }
  const { plan } = planned
  out.line(bold('Follower'), ' of ', address)
  out.table(
    ['', ''],
    [
      ['home', homes.codexHome],
      ['this machine', report.name ?? 'not enrolled yet'],
      ['id', report.id.slice(0, 12)],
      ['entry', `${report.seq}${stateOf(report.pending, heldBack(planned, plan.faults))}`],
      ['revision', report.revision.slice(0, 16)],
      ['files', `${report.files}${plan.staged.length > 0 ? `, but ${waitingFor(plan.staged)}` : ''}`],
      ['fingerprint', report.master.fingerprint],
      ['hook', wordsOf(report.hook)],
      ['service', serviceWords('follower', service)],
      ['last contact', contactMs === 0 ? 'never' : ago(contactMs, clock.now())],
    ],
  )
  tellContact(context, report.trouble)
  tellKept(context, report.settled)
  tellConflicts(context, report.conflicts)
  tellStaged(context, plan.staged, planned)
  tellSkipped(context, report.hook)
  tellLeft(context, planned)
  tellFaults(context, plan.faults)
}

/** Behind the number of the entry: what is between this home and it. */
function stateOf(pending: boolean | null, held: number): string {
  if (held > 0)
    return `, but ${counted(held, 'file')} could not be brought up to date${pending ? '; an update waits' : ''}`
  return pending ? ', an update waits (`stemma sync`)' : ''
}
