/** `master rebuild`: looks at the whole home again, for repair. */
import { exitCodes } from '../../schemas/code.ts'
import { rebuilt } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'
import { counted } from '../ui/amount.ts'

export const command = define({
  args: [],
  options: {},
  about: [
    'Reads the settings and the whole home anew and publishes what differs. `master serve` does this by itself.',
  ],
  examples: ['master rebuild'],
  async run(context) {
    const result = await ask(context, { cmd: 'rebuild' }, rebuilt)
    if (context.json) context.out.json(result)
    else
      context.out.line(
        result.entries === 0
          ? `Nothing has changed; entry ${result.seq} stands.`
          : `Published ${counted(result.entries, 'change')}; entry ${result.seq} (revision ${result.revision.slice(0, 12)}).`,
      )
    return exitCodes.done
  },
})
