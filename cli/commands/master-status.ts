/** `master status`: what is published, who follows, and what of the home does not travel. */
import { exitCodes } from '../../schemas/code.ts'
import { masterStatus } from '../../schemas/report.ts'
import { define } from '../command.ts'
import { ask } from '../master/answer.ts'
import { tellMaster } from '../master/tell.ts'
import { serviceState } from '../service/state.ts'

export const command = define({
  args: [],
  options: {},
  examples: ['master status', 'master status --json'],
  async run(context) {
    const status = await ask(context, { cmd: 'status' }, masterStatus)
    tellMaster(context, status, await serviceState(context, await context.openDisk(), 'master'))
    return exitCodes.done
  },
})
