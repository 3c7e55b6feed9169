/** `master status`: what is published, who follows, and what of the home does not travel. */
import { exitCodes } from '../../schemas/code.ts'
import { masterStatus } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'
import { tellMaster } from '../master/tell.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['master status', 'master status --json'],
  async run(context) {
    tellMaster(context, await ask(context, { cmd: 'status' }, masterStatus))
    return exitCodes.done
  },
})
