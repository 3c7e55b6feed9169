/** U1: what every command says of itself, as people read it at 80 columns. */
import { expect, test } from 'vitest'
import { type Options, wordOf } from '../../cli/command.ts'
import { parse } from '../../cli/parser.ts'
import { registry } from '../../cli/registry.ts'
import { commandHelp, listHelp } from '../../cli/ui/help.ts'
import { textOf } from '../../cli/ui/paint.ts'
import { width } from '../../cli/ui/text.ts'
import { isRefusal } from '../../schemas/fault.ts'

const textsOf = (lines: ReturnType<typeof listHelp>) => lines.map((line) => line.map(textOf).join(''))

test('U1: a newcomer finds at the end of the list what to begin with, and every command is in it once', () => {
  const lines = textsOf(listHelp(registry))
  expect(lines.slice(-5)).toEqual([
    '  stemma demo                see it at work in a scratch folder',
    '  stemma master init         where the original home is; then `master serve`',
    '  stemma follower join LINK  on every other machine; `master link` prints LINK',
    '',
    '`stemma COMMAND --help` explains one command, with examples.',
  ])
  const first = lines.map((line) => /^ {2}(\S+(?: \S+)*?) {2}/.exec(line)?.[1])
  for (const { path, hidden } of registry)
    expect(
      first.filter((one) => one === path),
      path,
    ).toHaveLength(hidden ? 0 : 1)
  const heads = lines.filter((line) => /^(?:On|Where)/.test(line))
  expect(heads).toEqual(['On the master', 'On a follower', 'Where Codex starts', 'On any machine'])
})

test('U1: the list of commands fits 80 columns', () => {
  for (const group of ['', 'master', 'follower', 'hook', 'shim', 'trust'])
    for (const line of textsOf(listHelp(registry, group))) expect(width(line), line).toBeLessThanOrEqual(80)
})

test.each(registry.map((entry) => [entry.path, entry] as const))('U1: `%s --help`', async (path, entry) => {
  const command = await entry.load()
  for (const line of textsOf(commandHelp(entry, command))) expect(width(line), line).toBeLessThanOrEqual(80)
  // One paragraph an item: a sentence that is cut in two would be broken twice.
  for (const text of command.about) expect(text).toMatch(/^(?:[A-Z]|`).*\.$/s)
  expect(entry.summary).toMatch(/^[A-Z].*[^.]$/)
  const options: Options = command.options
  for (const { summary } of Object.values(options)) expect(summary).toMatch(/^[a-z`].*[^.]$/)
  const args = command.args.map(wordOf)
  for (const word of Object.keys(command.known)) expect(args).toContain(word)
  expect(command.examples.length).toBeGreaterThan(0)
  for (const example of command.examples) {
    expect(example.startsWith(path), example).toBe(true)
    const words = example.slice(path.length).match(/'[^']*'|\S+/g) ?? []
    const parsed = parse(
      path,
      command,
      words.map((word) => word.replace(/^'(.*)'$/, '$1')),
    )
    expect(isRefusal(parsed), example).toBe(false)
  }
})
