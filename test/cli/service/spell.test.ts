/** S55: what a person types where nothing starts it for them. */
import { expect, test } from 'vitest'
import { spellCommand } from '../../../cli/service/spell.ts'

const of = {
  system: 'linux',
  homeDir: '/home/me',
  stemmaHome: '/home/me/.stemma',
  codexHome: '/home/me/.codex',
  words: ['master', 'serve', '--port', '18000'],
} as const

test('S55: the command has its options, and the folders that stemma would not find by itself', () => {
  expect(spellCommand(of)).toBe('stemma master serve --port 18000')
  expect(spellCommand({ ...of, stemmaHome: '/srv/my stemma', codexHome: '/srv/codex' })).toBe(
    "STEMMA_HOME='/srv/my stemma' CODEX_HOME=/srv/codex stemma master serve --port 18000",
  )
  const there = { homeDir: 'C:\\me', stemmaHome: "D:\\o'b", codexHome: 'C:\\me\\.codex' }
  expect(spellCommand({ ...of, ...there, system: 'win32' })).toBe(
    "$env:STEMMA_HOME='D:\\o''b'; stemma master serve --port 18000",
  )
})
