/** `shim uninstall`: removes our `codex`, and nothing that is not ours. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { thisPlatform } from '../name.ts'
import { pathLine, removeShim, shimFile, shimFolder } from '../shim/file.ts'

export const command = define({
  args: [],
  options: {},
  about: ['What put its folder first on PATH is yours to take back; it does no harm.'],
  examples: ['shim uninstall'],
  async run(context) {
    const { out, json } = context
    const removed = await removeShim(context, await context.openDisk())
    const file = shimFile(context)
    if (json) {
      out.json({ file, removed })
      return exitCodes.done
    }
    out.line(removed ? 'Removed: ' : 'There is none: ', file)
    if (thisPlatform() === 'win32')
      out.flow(
        0,
        'Take ',
        shimFolder(context),
        ' out of Path (Settings, Environment Variables) if it is there.',
      )
    else {
      out.line("Take this line out of your shell's start file, if it is there:")
      out.line('  ', pathLine(context))
      if (removed) out.flow(0, 'Shells that are open may look for it still: `hash -r` makes them look anew.')
    }
    return exitCodes.done
  },
})
