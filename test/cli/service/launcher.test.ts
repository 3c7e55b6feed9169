/** The launcher, golden for Windows, and run by real shells elsewhere. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { launcherPlan, type Program } from '../../../cli/service/launcher.ts'
import { plainService } from './services.ts'

describe.skipIf(process.platform === 'win32')(
  'PEERS 9: a command that survives what version managers do',
  () => {
    let root: string
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), `stemma it's "100%" $HOME é \\ `))
    })
    afterEach(() => rmSync(root, { recursive: true, force: true }))

    const put = (path: string, text: string, mode = 0o755): string => {
      const file = join(root, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
      chmodSync(file, mode)
      return file
    }
    /** A Node that says which one it is and what it was told to run; it is new enough when it says so. */
    const node = (path: string, isNew = true) =>
      put(
        path,
        `#!/bin/sh\n[ "$1" != -e ] || { [ -z "$NODE_OPTIONS" ] && exit ${isNew ? 0 : 1}; exit 9; }\nprintf '[%s]' '${path}' "$@" "$NODE_OPTIONS"\n`,
      )
    const main = (path: string) => put(path, '', 0o644)
    const start = (
      program: Program,
      more: { env?: Record<string, string>; args?: string[]; shell?: string } = {},
    ) => {
      const file = put('launcher', launcherPlan(plainService('linux'), program).text)
      const words = more.shell === undefined ? [file] : [more.shell, file]
      const [command = '', ...args] = [...words, ...(more.args ?? ['status'])]
      const env = { HOME: join(root, 'home'), PATH: '/nonexistent', NODE_OPTIONS: '--mine', ...more.env }
      const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8' })
      return { status, stdout, stderr }
    }
    const gone = () => join(root, 'gone/bin/node')

    test('it runs what was recorded, in every shell, with every word and the environment as they are', () => {
      const [bin, script] = [node('node/bin/node'), main('stemma.cjs')]
      const args = ['a b', '', "it's", '$HOME', '*', 'é\n2']
      const shells = ['sh', 'bash', 'dash', 'zsh', 'ksh']
      for (const shell of [undefined, ...shells.filter((name) => !spawnSync(name, ['-c', ':']).error)])
        expect(
          start({ node: bin, script }, { args, env: { PATH: '/usr/bin:/bin' }, ...(shell && { shell }) }),
        ).toEqual({
          status: 0,
          stdout: ['node/bin/node', script, ...args, '--mine'].map((word) => `[${word}]`).join(''),
          stderr: '',
        })
    })

    test('the exit code is that of stemma, and the process is its own', () => {
      const bin = put('node/bin/node', '#!/bin/sh\necho $$ $PPID\nexit 6\n')
      const { status, stdout } = start({ node: bin, script: main('stemma.cjs') })
      expect([status, Number(stdout.split(' ')[1])]).toEqual([6, process.pid])
    })

    test.each([
      ['PATH', 'elsewhere/bin/node', {}],
      ['nvm', 'home/.nvm/versions/node/v22.1.0/bin/node', {}],
      ['nvm', 'my nvm/versions/node/v22.1.0/bin/node', { NVM_DIR: 'my nvm' }],
      ['fnm', 'home/.local/share/fnm/node-versions/v22.1.0/installation/bin/node', {}],
      ['fnm on macOS', 'home/Library/Application Support/fnm/node-versions/v22/installation/bin/node', {}],
      ['volta', 'home/.volta/tools/image/node/22.1.0/bin/node', {}],
    ])('its Node is gone: one is found by %s', (how, path, env) => {
      node(path)
      const script = main('stemma.cjs')
      const given = Object.fromEntries(
        Object.entries(env).map(([name, folder]) => [name, join(root, folder)]),
      )
      const PATH = how === 'PATH' ? `/nonexistent::${dirname(join(root, path))}` : '/nonexistent'
      const { stdout, stderr } = start({ node: gone(), script }, { env: { ...given, PATH } })
      expect([stdout, stderr]).toEqual([`[${path}][${script}][status][--mine]`, ''])
    })

    test('one that is too old is passed over', () => {
      node('old/bin/node', false)
      node('home/.nvm/versions/node/v18.0.0/bin/node', false)
      node('home/.nvm/versions/node/v22.1.0/bin/node')
      const { stdout } = start(
        { node: gone(), script: main('stemma.cjs') },
        { env: { PATH: join(root, 'old/bin') } },
      )
      expect(stdout).toContain('[home/.nvm/versions/node/v22.1.0/bin/node]')
    })

    test('what is asked of a Node fits what package.json asks', () => {
      const found =
        /-e '([^']+)'/.exec(launcherPlan(plainService('linux'), { node: 'n', script: 's' }).text)?.[1] ?? ''
      const fits = (version: string) =>
        spawnSync(process.execPath, [
          '-e',
          `Object.defineProperty(process.versions, 'node', { value: '${version}' }); ${found}`,
        ]).status === 0
      const all = [
        '18.20.0',
        '20.18.9',
        '20.19.0',
        '21.9.9',
        '22.11.9',
        '22.12.0',
        '23.11.0',
        '24.0.0',
        '26.1.0',
      ]
      expect(all.filter(fits)).toEqual(['20.19.0', '22.12.0', '24.0.0', '26.1.0'])
    })

    test('stemma went with its Node, as nvm removes both: the one beside another Node', () => {
      node('home/.nvm/versions/node/v22.1.0/bin/node')
      const script = main('home/.nvm/versions/node/v22.1.0/lib/node_modules/stemma/dist/cli/stemma.cjs')
      const { stdout } = start({ node: gone(), script: join(root, 'gone/lib/stemma.cjs') })
      expect(stdout).toBe(`[home/.nvm/versions/node/v22.1.0/bin/node][${script}][status][--mine]`)
    })

    test.skipIf(['/usr/local', '/usr'].some((folder) => existsSync(`${folder}/lib/node_modules/stemma`)))(
      'stemma is gone for good: one sentence',
      () => {
        const from = join(root, 'gone/stemma.cjs')
        expect(start({ node: node('node/bin/node'), script: from })).toEqual({
          status: 1,
          stdout: '',
          stderr: `stemma: it is gone from ${from}. Install it again, then its service: \`stemma master install\` or \`stemma follower install\`.\n`,
        })
      },
    )

    test('Node is gone for good: one sentence', () => {
      const script = main('stemma.cjs')
      const file = put(
        'launcher',
        // Where this machine may have one.
        launcherPlan(plainService('linux'), { node: gone(), script }).text.replace(
          '/usr/local/bin /opt/homebrew/bin /usr/bin',
          '/nonexistent',
        ),
      )
      const { status, stderr } = spawnSync('/bin/sh', [file], {
        env: { HOME: root, PATH: '' },
        encoding: 'utf8',
      })
      expect([status, stderr]).toEqual([
        1,
        `stemma: its Node is gone from ${gone()}, and no other was found. Install Node.js 20.19, 22.12, or 24 and later.\n`,
      ])
    })
  },
)

test('golden: the launcher for Windows', () => {
  const { path, text, encoding } = launcherPlan(plainService('win32'), {
    node: 'C:\\Program Files\\nodejs\\node.exe',
    script: 'C:\\A & B\\100%\\stemma.cjs',
  })
  expect([path, encoding]).toEqual(['C:\\Users\\u\\.stemma\\service\\stemma.cmd', 'utf8'])
  expect(text.split('\r\n')).toEqual([
    '@echo off',
    'rem Made by `stemma master install` and `stemma follower install`, for their services; uninstalling them removes it.',
    'setlocal DisableDelayedExpansion',
    'set "STEMMA_NODE=C:\\Program Files\\nodejs\\node.exe"',
    'set "STEMMA_MAIN=C:\\A & B\\100%%\\stemma.cjs"',
    'if exist "%STEMMA_MAIN%" goto node',
    'set "STEMMA_MAIN=%APPDATA%\\npm\\node_modules\\stemma\\dist\\cli\\stemma.cjs"',
    'if exist "%STEMMA_MAIN%" goto node',
    'echo stemma: it is gone from its place. Install it again, then its service: "stemma master install" or "stemma follower install". 1>&2',
    'exit /b 1',
    ':node',
    'if exist "%STEMMA_NODE%" goto start',
    'for %%F in (node.exe) do set "STEMMA_NODE=%%~$PATH:F"',
    'if exist "%STEMMA_NODE%" goto start',
    'set "STEMMA_NODE=%ProgramFiles%\\nodejs\\node.exe"',
    'if exist "%STEMMA_NODE%" goto start',
    'echo stemma: its Node is gone from its place, and no other was found. Install Node.js 20.19, 22.12, or 24 and later. 1>&2',
    'exit /b 1',
    ':start',
    '"%STEMMA_NODE%" "%STEMMA_MAIN%" %*',
    'exit /b %ERRORLEVEL%',
    '',
  ])
})

test('golden: the launcher for Windows, where a path has letters that not every code page has alike', () => {
  const { text } = launcherPlan(plainService('win32'), {
    node: 'C:\\Program Files\\nodejs\\node.exe',
    script: 'C:\\Users\\Jürgen 王 !x!^\\100%\\stemma.cjs',
  })
  const lines = text.split('\r\n')
  expect(lines.slice(2, 9)).toEqual([
    'setlocal DisableDelayedExpansion',
    'for /f "tokens=2 delims=:." %%P in (\'"%SystemRoot%\\System32\\chcp.com"\') do set "STEMMA_PAGE=%%P"',
    'if defined STEMMA_PAGE "%SystemRoot%\\System32\\chcp.com" 65001 >nul',
    'set "STEMMA_NODE=C:\\Program Files\\nodejs\\node.exe"',
    'set "STEMMA_MAIN=C:\\Users\\Jürgen 王 !x!^\\100%%\\stemma.cjs"',
    'if defined STEMMA_PAGE "%SystemRoot%\\System32\\chcp.com" %STEMMA_PAGE% >nul',
    'if exist "%STEMMA_MAIN%" goto node',
  ])
  // All that cmd.exe reads in another code page, and every label that it looks for, is in letters that all of them share.
  expect([...lines.slice(0, 5), ...lines.slice(7)].join('')).toMatch(/^[ -~]*$/)
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
})
