/** `trust show`: which key and which log this machine trusts, and what it found against them. */
import { listEvidence } from '../../engine/evidence.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { exitCodes } from '../../schemas/code.ts'
import { masterStatus } from '../../schemas/report.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import { linkOf } from '../follower/desk.ts'
import { glance } from '../follower/glance.ts'
import { ask } from '../master/answer.ts'
import { yellow } from '../ui/paint.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['trust show', 'trust show --json'],
  async run(context) {
    const { homes } = context
    const disk = await context.openDisk(homes.codexHome)
    const local = await loadLocal(disk, homes.stemmaHome)
    const evidence = await listEvidence(disk, homes.stemmaHome)
    if (local?.role === 'master') {
      const { fingerprint, log, seq } = await ask(context, { cmd: 'status' }, masterStatus)
      tell(context, { role: 'master', fingerprint, log, seq, evidence })
    } else
      tell(
        context,
        await glance(context, 'trust show', async (desk, local) => {
          const { host, port, fingerprint } = linkOf(local)
          const head = desk.follower.head
          const log = head?.logId.toString('hex') ?? null
          return {
            role: 'follower' as const,
            master: { host, port },
            fingerprint,
            log,
            seq: head?.seq ?? 0,
            evidence,
          }
        }),
      )
    return exitCodes.done
  },
})

type Trust = {
  readonly role: 'master' | 'follower'
  readonly master?: { readonly host: string; readonly port: number }
  readonly fingerprint: string
  readonly log: string | null
  readonly seq: number
  readonly evidence: readonly string[]
}

function tell({ out, json }: Context, trust: Trust): void {
  if (json) {
    out.json(trust)
    return
  }
  out.table(
    ['', ''],
    [
      [trust.role === 'master' ? 'this master' : 'pinned key', trust.fingerprint],
      ['log', trust.log ?? 'none yet'],
      trust.role === 'master'
        ? ['newest entry', `${trust.seq}`]
        : ['floor', `entry ${trust.seq}: nothing older is taken`],
    ],
  )
  for (const path of trust.evidence) out.line(yellow('Evidence: '), path)
}
