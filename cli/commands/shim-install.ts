/** `shim install`: a small `codex` to stand before the real one on PATH, which brings news first. */
import { loadLocal } from '../../engine/settings/file.ts'
import { mustKeep } from '../../engine/settings/kept.ts'
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { thisPlatform } from '../name.ts'
import { isFirst, pathLine, shimFile, shimFolder, writeShim } from '../shim/file.ts'

export const command = define({
  args: [],
  options: {},
  about: [
    'It brings the home up to date within two seconds, silently, then becomes the codex behind it on PATH.',
    'It goes on working when Codex or stemma is upgraded or removed. PATH itself is left to you.',
  ],
  examples: ['shim install'],
  async run(context) {
    const { out, json, homes } = context
    const disk = await context.openDisk(homes.codexHome)
    const local = await loadLocal(disk, homes.stemmaHome)
    if (local) await mustKeep(disk, homes, local)
    const changed = await writeShim(context, disk)
    const file = shimFile(context)
    const first = isFirst(context)
    if (json) {
      out.json({ file, folder: shimFolder(context), changed, first })
      return exitCodes.done
    }
    out.line(changed ? 'Written: ' : 'There already: ', file)
    if (first) out.line('It is the first `codex` on PATH.')
    else if (thisPlatform() === 'win32')
      out.flow(0, 'Put ', shimFolder(context), ' at the beginning of Path (Settings, Environment Variables).')
    else {
      out.line("Put its folder first on PATH, in your shell's start file:")
      out.line('  ', pathLine(context))
    }
    return exitCodes.done
  },
})
