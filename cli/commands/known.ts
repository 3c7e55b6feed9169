/** `known`: the names that a shell offers, one a line. Whatever stands in the way, it says nothing. */
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { define, listed } from '../command.ts'
import { namesOf } from '../completion/known.ts'

export const command = define({
  args: ['WHAT'],
  options: {},
  known: { WHAT: listed },
  answers: false,
  about: ['For the scripts of `stemma completions`.'],
  examples: ['known waiting', 'known conflicts'],
  async run(context, [word]) {
    const what = listed.find((one) => one === word)
    try {
      for (const name of what ? await namesOf(context, what) : []) context.out.line(name)
      return exitCodes.done
    } catch (error) {
      // A half-typed command line is no place for an error.
      if (!(error instanceof Fault)) throw error
      return exitCodes.failed
    }
  },
})
