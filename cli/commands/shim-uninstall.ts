/** `shim uninstall`: removes our `codex`, and nothing that is not ours. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { removeShim, shimFile } from '../shim/file.ts'

export const command = define({
  args: [],
  options: {},
  about: ['The folder may stay on PATH; nothing is in it then.'],
  examples: ['shim uninstall'],
  async run(context) {
    const { out, json } = context
    const removed = await removeShim(context, await context.openDisk())
    const file = shimFile(context)
    if (json) out.json({ file, removed })
    else out.line(removed ? 'Removed: ' : 'There is none: ', file)
    return exitCodes.done
  },
})
