import { expect, test } from 'vitest'
import { answerTo, mustAgree, mustConfirm } from '../../cli/confirm.ts'

/** What somebody types; null for ^D, and where nobody is. */
const typing = (answer: string | null) => {
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return answer
  }
  return { ask, asked }
}

test.each([
  ['y', 'yes', 'yes'],
  ['YES', 'yes', 'yes'],
  [' y ', 'yes', 'yes'],
  ['', 'yes', 'no'],
  ['n', 'no', 'no'],
  ['no', 'no', 'no'],
  ['yep', 'no', 'no'],
  ['maybe', 'no', 'no'],
  [null, 'nobody', 'nobody'],
] as const)(
  'S18: the answer %j is %s where Enter means yes, and %s where it means no',
  async (answer, yes, no) => {
    const context = typing(answer)
    expect(await answerTo(context, { text: 'Join?', enter: 'yes' })).toBe(yes)
    expect(await answerTo(context, { text: 'Revoke?', enter: 'no' })).toBe(no)
    expect(context.asked).toEqual(['Join? [Y/n]', 'Revoke? [y/N]'])
  },
)

test('S18: what is declined is told as that, and what is agreed to goes on', async () => {
  const question = { text: 'Join?', enter: 'yes' } as const
  await expect(mustAgree(typing('n'), question, 'Not joined.')).rejects.toMatchObject({
    code: 'declined',
    message: 'Not joined.',
  })
  await mustAgree(typing('y'), question, 'Not joined.')
})

test('Q4: where nobody can be asked, a script is told what it needs', async () => {
  const question = { text: 'Revoke?', enter: 'no' } as const
  const ask = (answer: string | null) => mustConfirm(typing(answer), question, 'It was not.', 'master revoke')
  await expect(ask(null)).rejects.toMatchObject({ code: 'usage', facts: { help: 'master revoke' } })
  await expect(ask('n')).rejects.toMatchObject({ code: 'declined', message: 'It was not.' })
  await ask('y')
})
