/** `trust reset`: the one way past a broken trust, on a person's word. */
import { listEvidence, settleEvidence } from '../../engine/evidence.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { define, flag } from '../command.ts'
import { nobodyThere } from '../confirm.ts'
import type { Context } from '../context.ts'
import { part, tellKept, withParting } from '../follower/part.ts'
import { withDesk } from '../master/desk.ts'

export const command = define({
  args: [],
  options: {
    yes: flag('do not ask; for scripts'),
  },
  about: [
    'On a follower: forgets the pinned key, the log and the floor it set. Join again with a new link afterwards; ' +
      'local files stay, and what differs from the new master becomes a conflict.',
    'On a master that found its log forked: it goes on with its own history; followers of the other one must reset.',
    'Evidence is kept under another name.',
  ],
  examples: ['trust reset', 'trust reset --yes'],
  async run(context, _args, options) {
    const { homes } = context
    const disk = await context.openDisk(homes.codexHome)
    const local = await loadLocal(disk, homes.stemmaHome)
    if (local?.role === 'master')
      return withDesk(context, 'trust reset', async (desk) => {
        const found = (await listEvidence(disk, homes.stemmaHome)).length
        const log = desk.master.head.logId.toString('hex')
        if (found > 0) await mustConfirm(context, options.yes, log)
        const settled = await settleEvidence(disk, homes.stemmaHome)
        if (context.json) context.out.json({ role: 'master', settled })
        else
          context.out.line(
            settled > 0 ? 'This master goes on with its own history.' : 'There was nothing to settle.',
          )
        return exitCodes.done
      })
    return withParting(context, 'trust reset', async (parting, { fingerprint }) => {
      const { desk, keys } = parting
      const log = desk?.follower.head?.logId.toString('hex') ?? null
      // Of a log that cannot be read nobody knows the id.
      const confirmed = desk ? log : fingerprint
      if (confirmed !== null) await mustConfirm(context, options.yes, confirmed)
      const kept = await part(parting)
      if (context.json) context.out.json({ role: 'follower', forgot: log, kept })
      else {
        context.out.flow(
          0,
          'The pinned key and its log are forgotten. Join with a new link: `stemma follower join LINK`.',
        )
        tellKept(context, kept, keys === null)
      }
      return exitCodes.done
    })
  },
})

const typedDigits = 8

/** A person types the beginning of the log id, or of the pinned key: nobody confirms this by habit. */
async function mustConfirm(context: Context, yes: boolean, log: string): Promise<void> {
  if (yes) return
  const wanted = log.slice(0, typedDigits)
  const typed = await context.ask(
    `This gives up the protection against a replaced master. Type ${wanted} to go on:`,
  )
  if (typed === null) throw nobodyThere('Nothing was changed.', 'trust reset')
  if (typed.trim().toLowerCase() !== wanted)
    throw new Fault('declined', `That was not ${wanted}: nothing was changed.`)
}
