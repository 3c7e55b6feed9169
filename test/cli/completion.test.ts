/** U1: what the shells offer at a Tab, by the real shells where they are installed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scripts } from '../../cli/commands/completions.ts'
import { grammarOf, type Place } from '../../cli/completion/grammar.ts'
import { type Shell, shells } from '../../cli/completion/script.ts'
import { parse } from '../../cli/parser.ts'
import { registry } from '../../cli/registry.ts'
import { isRefusal } from '../../schemas/fault.ts'
import { version } from '../../schemas/version.ts'
import { entries } from './commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'stemma-tab-'))
const hostile = '$(touch pwned); `touch pwned`'
let places: readonly Place[]
const file = (shell: Shell): string => join(folder, shell === 'zsh' ? '_stemma' : `stemma.${shell}`)

beforeAll(async () => {
  places = await grammarOf(registry)
  for (const shell of shells) writeFileSync(file(shell), scripts[shell](places))
  // Stands for the command, as the scripts ask it for names.
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  mkdirSync(join(folder, 'here', 'sub'), { recursive: true })
  writeFileSync(join(folder, 'here', 'some file'), '')
  writeFileSync(join(folder, 'conflicts'), `AGENTS.md\nskills/my notes.md\n${hostile}\n`)
  const known = `#!/bin/sh\ncase "$1 $2" in
"known waiting") echo laptop; echo 3f9a0c12ab34 ;;
"known enrolled") echo tower ;;
"known conflicts") cat '${join(folder, 'conflicts')}' ;;
esac\necho 'error: told to nobody' >&2\nexit 1\n`
  writeFileSync(join(bin, 'stemma'), known)
  chmodSync(join(bin, 'stemma'), 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder, LANG: 'C.UTF-8' }
const here = join(folder, 'here')

/** What is on the screen of one who presses Tab at the end of these words. */
type Ask = (words: readonly string[]) => string[]
function say(command: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: here, env, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter((line) => line !== '')
}

const asks: Readonly<Record<Exclude<Shell, 'powershell'>, Ask>> = {
  bash: (words) => {
    // bash breaks a line at `=`, too.
    const broken = words.flatMap((word) => (word.startsWith('--') ? word.split(/(=)/) : [word]))
    const ended = broken.at(-1) === '' && broken.at(-2) === '=' ? broken.slice(0, -1) : broken
    const code = `source "$0"; COMP_WORDS=(stemma "$@"); COMP_CWORD=$#
      _stemma stemma; printf '%s\\n' "\${COMPREPLY[@]}"`
    return say('bash', ['--norc', '-uc', code, file('bash'), ...ended])
  },
  zsh: (words) => {
    // What the completion system of zsh has, and no more of it than the script uses.
    const code = `
      _describe() { local name=\${@[-1]} one; for one in "\${(@P)name}"; do print -r -- "\${one%%:*}"; done }
      compadd() { shift; print -rl -- "$@" }
      compset() { PREFIX=\${PREFIX#*=} }
      _files() { print -rl -- *(N) }
      source "$0"; words=(stemma "$@"); CURRENT=$#words; PREFIX=$words[-1]
      () { _stemma }`
    const found = say('zsh', ['-fc', code, file('zsh'), ...words])
    // zsh itself leaves out what does not begin with what was typed.
    const typed = words.at(-1)?.replace(/^--[a-z-]+=/, '') ?? ''
    return found.filter((word) => word.startsWith(typed))
  },
  fish: (words) => {
    const line = ['stemma', ...words].map((word) => word.replaceAll(/[^\w=./-]/g, '\\$&')).join(' ')
    return say('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file('fish'), line])
      .map((one) => one.split('\t')[0] ?? '')
      .filter((one) => one !== '')
  },
}
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

describe.each(['bash', 'zsh', 'fish'] as const)('U1: %s', (shell) => {
  const ask = asks[shell]

  test.runIf(has(shell)).each<[string[], string[]]>([
    [['ma'], ['master']],
    [
      ['master', 're'],
      ['rebuild', 'revoke'],
    ],
    [['--json', 'stat'], ['status']],
    [['mastre', ''], []],
    [['known', ''], []],
    [
      ['follower', 'join', '--t'],
      ['--take', '--timeout', '--trust-hooks'],
    ],
    [
      ['follower', 'join', '--take', ''],
      ['canonical', 'local'],
    ],
    [['follower', 'join', '--take', 'lo'], ['local']],
    [['follower', 'join', '--yes', '--ye'], []],
    [['follower', 'join', '--name', '--yes', '--ye'], ['--yes']],
    [['sync', '--timeout', '5', '--tim'], []],
    [['master', 'serve', '--allow', '::1', '--al'], ['--allow']],
    [['sync', '--timeout', ''], []],
    [
      ['master', 'approve', ''],
      ['3f9a0c12ab34', 'laptop'],
    ],
    [['master', 'approve', 'lap'], ['laptop']],
    [['master', 'approve', 'laptop', ''], []],
    [['master', 'revoke', '--yes', ''], ['tower']],
    [
      ['completions', ''],
      ['bash', 'fish', 'powershell', 'zsh'],
    ],
    [['resolve', '--take', 'local', 'AG'], ['AGENTS.md']],
    [
      ['resolve', 'AGENTS.md', '--take', ''],
      ['canonical', 'local'],
    ],
    [['resolve', 'AGENTS.md', ''], []],
  ])('%j', (words, expected) => {
    expect(ask(words).sort()).toEqual(expected)
  })

  test.runIf(has(shell))('a value behind a sign', () => {
    const before = shell === 'fish' ? '--take=' : ''
    expect(ask(['follower', 'join', '--take=lo'])).toEqual([`${before}local`])
    expect(ask(['follower', 'join', '--take=']).sort()).toEqual([`${before}canonical`, `${before}local`])
  })

  test.runIf(has(shell))('a name is never read as code', () => {
    const quoted = shell === 'bash' ? ['skills/my\\ notes.md'] : ['skills/my notes.md']
    expect(ask(['resolve', 'sk'])).toEqual(quoted)
    expect(ask(['resolve', ''])).toHaveLength(3)
    expect(existsSync(join(here, 'pwned'))).toBe(false)
  })

  test.runIf(has(shell))('files for Codex', () => {
    expect(ask(['run', '--', '']).map((one) => one.replace(/\/$/, ''))).toEqual(['some file', 'sub'])
    expect(ask(['run', '--', 'exec', 'su']).map((one) => one.replace(/\/$/, ''))).toEqual(['sub'])
  })

  test.runIf(has(shell))('every place offers just what its command declares', () => {
    for (const { path, words, flags, values } of places) {
      const at = path === '' ? [] : path.split(' ')
      const all = [...flags, ...values].map(({ word }) => word)
      expect(ask([...at, '--']).sort(), path).toEqual(all.sort())
      if (words.length > 0)
        expect(ask([...at, '']).sort(), path).toEqual(words.map(({ word }) => word).sort())
    }
  })
})

test('what is offered is understood', async () => {
  for (const entry of registry.filter(({ hidden }) => !hidden)) {
    const command = await entry.load()
    const place = places.find(({ path }) => path === entry.path)
    const args = command.args
      .filter((arg) => !arg.startsWith('['))
      .map((arg) => (arg === 'SHELL' ? 'bash' : 'x'))
    for (const { word } of place?.flags ?? [])
      expect(isRefusal(parse(entry.path, command, [...args, word])), `${entry.path} ${word}`).toBe(false)
    for (const { word, source } of place?.values ?? []) {
      const value = typeof source === 'object' && source !== null ? (source[0] ?? '') : '1'
      expect(isRefusal(parse(entry.path, command, [...args, word, value])), `${entry.path} ${word}`).toBe(
        false,
      )
    }
  }
})

test('no line of a script holds what a terminal would act on, and no word needs quotes', () => {
  for (const shell of shells)
    expect(scripts[shell](places).split('\n').join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  for (const { words, flags, values } of places)
    for (const { word } of [...words, ...flags, ...values]) expect(word).toMatch(/^[a-z-]+$/)
})

test.runIf(has('bash'))('reading the script costs bash next to nothing', () => {
  const code = 'TIMEFORMAT=%R; time for i in {1..20}; do source "$0"; done'
  const ms =
    Number(execFileSync('bash', ['-c', `{ ${code}; } 2>&1`, file('bash')], { encoding: 'utf8' })) * 50
  expect(ms).toBeLessThan(50)
})

/** There is no PowerShell here: its script is read by people, and stays as it was read. */
test('the script for PowerShell is the golden one, with the commands of the tests', async () => {
  const script = scripts.powershell(await grammarOf(entries)).replace(version, 'VERSION')
  await expect(script).toMatchFileSnapshot('completion.golden.ps1')
})

test('PowerShell gets the same tables', () => {
  const script = scripts.powershell(places)
  expect(script).toContain("    'follower join --take' = '=canonical local'\n")
  expect(script).toContain("'--no-hook' = 'do not put the hook into Codex that keeps this home fresh'")
  expect(script).toContain("words = [ordered]@{ 'demo' = 'Play a master and a follower here, and clean up'; ")
  // Every quote that opens is closed: what is between them is one word or sentence.
  for (const line of script.split('\n').filter((one) => one.includes("' = '")))
    expect(line.replaceAll(/'(?:[^']|'')*'/g, '')).not.toContain("'")
})
