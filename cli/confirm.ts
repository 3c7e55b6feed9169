/**
 * A person's word, before something that is hard to take back.
 * Always holds: silence, ^D and anything that is not clearly a yes are a no; without a terminal only `--yes` is a yes.
 */
import { Fault } from '../schemas/fault.ts'
import type { Context } from './context.ts'

/** `enter`: what Enter alone means. */
export type Question = { readonly text: string; readonly enter: 'yes' | 'no' }

/** False for a no. */
export async function agrees(context: Pick<Context, 'ask'>, { text, enter }: Question): Promise<boolean> {
  const answer = await context.ask(`${text} ${enter === 'yes' ? '[Y/n]' : '[y/N]'}`)
  if (answer === '') return enter === 'yes'
  return answer !== null && /^y(?:es)?$/i.test(answer.trim())
}

/** @throws Fault `declined` with what then is, in a sentence. */
export async function mustAgree(
  context: Pick<Context, 'ask'>,
  question: Question,
  declined: string,
): Promise<void> {
  if (!(await agrees(context, question))) throw new Fault('declined', declined)
}
