/** `master open`: new machines on the tailnet enrol without approval (again). */
import { exitCodes } from '../../schemas/code.ts'
import { opened } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['master open'],
  async run(context) {
    const report = await ask(context, { cmd: 'open' }, opened)
    if (context.json) context.out.json(report)
    else context.out.flow(0, 'Machines that reach this master over the tailnet may join without approval.')
    return exitCodes.done
  },
})
