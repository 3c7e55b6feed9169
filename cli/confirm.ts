/**
 * A person's word, before something that is hard to take back.
 * Always holds: silence and anything that is not clearly a yes are a no; where nobody can be asked only `--yes` is a yes.
 */
import { Fault } from '../schemas/fault.ts'
import type { Context } from './context.ts'

/** `enter`: what Enter alone means. */
export type Question = { readonly text: string; readonly enter: 'yes' | 'no' }

/** `nobody`: there is no terminal, or they have left it (^D). */
export async function answerTo(
  context: Pick<Context, 'ask'>,
  { text, enter }: Question,
): Promise<'yes' | 'no' | 'nobody'> {
  const answer = await context.ask(`${text} ${enter === 'yes' ? '[Y/n]' : '[y/N]'}`)
  if (answer === null) return 'nobody'
  if (answer === '') return enter
  return /^y(?:es)?$/i.test(answer.trim()) ? 'yes' : 'no'
}

/** @throws Fault `declined` with what then is, in a sentence. */
export async function mustAgree(
  context: Pick<Context, 'ask'>,
  question: Question,
  declined: string,
): Promise<void> {
  if ((await answerTo(context, question)) !== 'yes') throw new Fault('declined', declined)
}

/** The same for a command that scripts run, too: they are told of `--yes`. `help`: the command's words. */
export async function mustConfirm(
  context: Pick<Context, 'ask'>,
  question: Question,
  declined: string,
  help: string,
): Promise<void> {
  const answer = await answerTo(context, question)
  if (answer === 'nobody') throw nobodyThere(declined, help)
  if (answer === 'no') throw new Fault('declined', declined)
}

/** `what`: what was not done, in a sentence. */
export const nobodyThere = (what: string, help: string): Fault =>
  new Fault('usage', `${what} Nobody is at the terminal to confirm; \`--yes\` does it without.`, { help })
