/** `master rebuild`: looks at the whole home again, for repair. */
import { exitCodes } from '../../schemas/code.ts'
import { rebuilt } from '../../schemas/report.ts'
import { define, flag } from '../command.ts'
import { ask } from '../master/answer.ts'
import { tellWarnings } from '../master/tell.ts'
import { counted } from '../ui/amount.ts'

export const command = define({
  args: [],
  options: {
    yes: flag('publish it, too, when most files of the home are gone'),
  },
  about: [
    'Reads the settings and the whole home anew and publishes what differs. `master serve` does this by itself.',
    'When the home has become empty, or most of its files are gone at once, nothing is published before --yes: ' +
      'it may be the wrong CODEX_HOME, or a disk that is not mounted.',
  ],
  examples: ['master rebuild', 'master rebuild --yes'],
  async run(context, _args, { yes }) {
    const result = await ask(context, yes ? { cmd: 'rebuild', yes } : { cmd: 'rebuild' }, rebuilt)
    if (context.json) context.out.json(result)
    else {
      context.out.flow(
        0,
        result.entries === 0
          ? `Nothing new was published; entry ${result.seq} stands.`
          : `Published ${counted(result.entries, 'change')}; entry ${result.seq} (revision ${result.revision.slice(0, 12)}).`,
      )
      tellWarnings(context, result)
    }
    return exitCodes.done
  },
})
