/** U1: what every command says of itself, as people read it at 80 columns. */
import { expect, test } from 'vitest'
import type { Options } from '../../cli/command.ts'
import { parse } from '../../cli/parser.ts'
import { registry } from '../../cli/registry.ts'
import { commandHelp, listHelp } from '../../cli/ui/help.ts'
import { textOf } from '../../cli/ui/paint.ts'
import { width } from '../../cli/ui/text.ts'
import { isRefusal } from '../../schemas/fault.ts'

const textsOf = (lines: ReturnType<typeof listHelp>) => lines.map((line) => line.map(textOf).join(''))

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
