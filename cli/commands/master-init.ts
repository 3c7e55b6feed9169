/** `master init`: makes this machine's Codex home the original. */

import { clearUnborn } from '../../engine/found.ts'
import { Master } from '../../engine/master.ts'
import { loadLocal, saveLocal } from '../../engine/settings/file.ts'
import { realHome } from '../../engine/settings/kept.ts'
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { define } from '../command.ts'
import { owning } from '../owner.ts'
import { mustBeUntaken } from '../taken.ts'
import { bold, yellow } from '../ui/paint.ts'

export const command = define({
  args: [],
  options: {},
  about: [
    'Makes keys and begins the signed log in STEMMA_HOME (~/.stemma). Nothing in the Codex home changes.',
    'The recovery key is printed once and kept nowhere. It can vouch for a new key when this machine is lost; ' +
      'no command of this version uses it yet.',
  ],
  examples: ['master init'],
  async run(context) {
    const { homes, ids, clock, out } = context
    const disk = await context.openDisk(context.homes.codexHome)
    if ((await disk.stat(homes.codexHome))?.kind !== 'folder')
      throw new Fault('home-missing', `There is no Codex home at ${homes.codexHome}.`, {
        home: homes.codexHome,
      })
    const mustBeFree = async () => {
      const local = await loadLocal(disk, homes.stemmaHome)
      if (local)
        throw new Fault('already-initialised', `${homes.stemmaHome} already belongs to a ${local.role}.`, {
          role: local.role,
        })
    }
    // Before the lock, too: while that master runs, its lock is not what stands in the way.
    await mustBeFree()
    await mustBeUntaken(context, disk)
    return owning(context, 'master init', disk, async () => {
      await mustBeFree()
      const place = { disk, ids, clock, stemmaHome: homes.stemmaHome }
      await clearUnborn(place)
      const { master, recovery } = await Master.init(place)
      const { fingerprint } = master
      const log = master.head.logId.toString('hex')
      await master.close()
      await saveLocal(disk, ids, homes.stemmaHome, {
        role: 'master',
        home: await realHome(disk, homes.codexHome),
      })
      if (context.json) out.json({ role: 'master', fingerprint, log, recovery })
      else {
        out.flow(0, 'This machine is now the master of ', bold(homes.codexHome), '.')
        out.line()
        out.line('Recovery key (shown only now; write it down and keep it away from this machine):')
        out.line('  ', yellow(recovery))
        out.line()
        out.flow(
          0,
          'Next: `stemma master install` here (or `stemma master serve` by hand), then `stemma master link` for the other machines.',
        )
      }
      return exitCodes.done
    })
  },
})
