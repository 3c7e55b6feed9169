import { expect, test } from 'vitest'
import { agrees, mustAgree } from '../../cli/confirm.ts'

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
  ['y', true, true],
  ['YES', true, true],
  [' y ', true, true],
  ['', true, false],
  ['n', false, false],
  ['no', false, false],
  ['yep', false, false],
  ['maybe', false, false],
  [null, false, false],
] as const)(
  'S18: the answer %j is a yes where Enter means yes: %s, and where it means no: %s',
  async (answer, yes, no) => {
    const context = typing(answer)
    expect(await agrees(context, { text: 'Join?', enter: 'yes' })).toBe(yes)
    expect(await agrees(context, { text: 'Revoke?', enter: 'no' })).toBe(no)
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
