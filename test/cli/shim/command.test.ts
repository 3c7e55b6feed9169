/** Golden command lines, and words through real shells. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hookCommand, quoteBatch, quoteSh, setBatch } from '../../../cli/shim/command.ts'
import { until } from '../../e2e/patience.ts'

const args = ['hook', 'run']

describe('S50: the command of the hook', () => {
  const shell = `/bin/sh -c 'unset NODE_OPTIONS NODE_PATH; exec "$0" "$@"'`
  test('golden: Linux and macOS', () => {
    const plain = { node: '/usr/bin/node', script: '/home/u/.npm/stemma/dist/cli/main.js', args }
    for (const platform of ['linux', 'darwin', 'other'] as const)
      expect(hookCommand({ platform, ...plain })).toBe(
        `${shell} /usr/bin/node /home/u/.npm/stemma/dist/cli/main.js hook run`,
      )
    const odd = { node: "/Users/it's me/node", script: '/a\\b/$x/main.js', args }
    expect(hookCommand({ platform: 'darwin', ...odd })).toBe(
      `${shell} '/Users/it'\\''s me/node' '/a\\b/$x/main.js' hook run`,
    )
  })

  test('golden: one that nobody waits for', () => {
    const of = { node: '/usr/bin/node', script: '/a b/main.js', args, behind: true }
    expect(hookCommand({ platform: 'linux', ...of })).toBe(
      `/bin/sh -c 'unset NODE_OPTIONS NODE_PATH; "$0" "$@" </dev/null >/dev/null 2>&1 &' /usr/bin/node '/a b/main.js' hook run`,
    )
    const windows = { ...of, node: 'C:\\node.exe', script: 'C:\\main.js' }
    expect(hookCommand({ platform: 'win32', ...windows })).toBe('C:\\node.exe C:\\main.js hook run')
  })

  test.skipIf(process.platform === 'win32')(
    'it is left behind, silent, with its words as they are',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "stemma it's "))
      try {
        const script = join(folder, 'main.sh')
        const told = join(folder, 'told')
        writeFileSync(script, `sleep 0.2; cat; echo noise; echo noise >&2; printf '[%s]' "$@" >"$1"\n`)
        const command = hookCommand({
          platform: 'linux',
          node: '/bin/sh',
          script,
          args: [told, '$HOME', ''],
          behind: true,
        })
        for (const shell of ['sh', 'bash', 'dash', 'zsh', 'fish'].filter(
          (name) => !spawnSync(name, ['-c', ':']).error,
        )) {
          rmSync(told, { force: true })
          const said = spawnSync(shell, ['-c', command], { encoding: 'utf8', input: 'typed' })
          expect([said.status, said.stdout, said.stderr, existsSync(told)], shell).toEqual([0, '', '', false])
          await until(
            'it has done its work',
            () => existsSync(told) && readFileSync(told, 'utf8') === `[${told}][$HOME][]`,
          )
        }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )

  test.skipIf(process.platform === 'win32').each([false, true])(
    'S51: what the user tells Node is not for the hook: left behind %s',
    async (behind) => {
      const folder = mkdtempSync(join(tmpdir(), 'stemma-hook-'))
      try {
        const told = join(folder, 'told')
        const preload = join(folder, 'preload.cjs')
        const script = join(folder, 'main.cjs')
        writeFileSync(preload, "console.log('noise')\n")
        writeFileSync(
          script,
          `require('node:fs').writeFileSync(${JSON.stringify(told)}, [...process.execArgv, process.env.NODE_OPTIONS, process.env.NODE_PATH, process.env.MINE, require('node:fs').readFileSync(0)].join())\n`,
        )
        const command = hookCommand({ platform: 'linux', node: process.execPath, script, args, behind })
        const said = spawnSync('/bin/sh', ['-c', command], {
          env: { NODE_OPTIONS: `--require ${preload}`, NODE_PATH: folder, MINE: 'mine' },
          input: 'typed',
          encoding: 'utf8',
        })
        expect([said.status, said.stdout, said.stderr]).toEqual([0, '', ''])
        const has = () => existsSync(told) && readFileSync(told, 'utf8') !== ''
        await until('it has done its work', has)
        expect(readFileSync(told, 'utf8')).toBe(behind ? ',,mine,' : ',,mine,typed')
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )

  test('golden: Windows, without a quotation mark', () => {
    const plain = { node: 'C:\\node\\node.exe', script: 'C:\\stemma\\main.js', args }
    expect(hookCommand({ platform: 'win32', ...plain })).toBe(
      'C:\\node\\node.exe C:\\stemma\\main.js hook run',
    )
    const spaced = { node: 'C:\\Program Files\\nodejs\\node.exe', script: "C:\\it's\\100%\\main.js", args }
    const command = hookCommand({ platform: 'win32', ...spaced })
    const start = 'powershell.exe -NoLogo -NoProfile -NonInteractive -EncodedCommand '
    expect(command.startsWith(start)).toBe(true)
    expect(Buffer.from(command.slice(start.length), 'base64').toString('utf16le')).toBe(
      "& 'C:\\Program Files\\nodejs\\node.exe' 'C:\\it''s\\100%\\main.js' 'hook' 'run'; exit $LASTEXITCODE",
    )
  })
})

test.skipIf(process.platform === 'win32')(
  'S50: every word arrives as it was, in every shell that is here',
  () => {
    const words = [
      'a',
      'a b',
      '',
      "it's",
      '"',
      '$HOME',
      '`x`',
      '*',
      '~',
      '!',
      '#',
      'é\n2',
      '-n',
      ';',
      '{a,b}',
      '=x',
    ]
    for (const shell of ['sh', 'bash', 'dash', 'zsh', 'ksh'].filter(
      (name) => !spawnSync(name, ['-c', ':']).error,
    )) {
      const said = spawnSync(shell, ['-c', `printf '[%s]' ${words.map(quoteSh).join(' ')}`], {
        encoding: 'utf8',
      })
      expect(said.stdout, shell).toBe(words.map((word) => `[${word}]`).join(''))
    }
  },
)

test('golden: paths in a batch file', () => {
  expect(quoteBatch('C:\\a b\\100%.exe')).toBe('"C:\\a b\\100%%.exe"')
  expect(quoteBatch('C:\\a & b')).toBe('"C:\\a & b"')
  // The program that is started would take a single one for a sign that the quotation mark belongs to the word.
  expect(quoteBatch('D:\\')).toBe('"D:\\\\"')
})

test('golden: variables of a batch file, whose code page is changed only where it counts', () => {
  expect(setBatch({ A: 'C:\\a & b\\100%', B: '^ ! ~' })).toBe('set "A=C:\\a & b\\100%%"\nset "B=^ ! ~"')
  for (const word of ['C:\\Jürgen', 'C:\\王', 'C:\\😀']) {
    const lines = setBatch({ A: word }).split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[2]).toBe(`set "A=${word}"`)
    expect([lines[1], lines[3]].join()).toMatch(/ 65001 >nul,.* %STEMMA_PAGE% >nul$/)
  }
})
