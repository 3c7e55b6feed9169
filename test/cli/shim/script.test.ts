/** The shim, run by real shells before codexes of many kinds. The batch file is compared only: it has not run yet. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { shimMark, shimName, shimScript } from '../../../cli/shim/script.ts'

const shells = ['/bin/sh', 'dash', 'bash', 'busybox'].filter(
  (shell) => spawnSync(shell, ['-c', ':']).error === undefined,
)
/** Says what it got: its process, its arguments each in brackets, its input, its variables. */
const tellTale = '#!/bin/sh\necho "$$ $0"\nfor a in "$@"; do printf "[%s]\\n" "$a"; done\ncat\n'

describe.skipIf(process.platform === 'win32')('N11: the shim in a shell', () => {
  let root: string
  let pulled: string
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'stemma shim-')))
    pulled = join(root, 'pulled')
    put('stem ma/main.sh', `echo "$@" >>'${pulled}'; echo noise; echo noise >&2; cat >>'${pulled}'\n`)
    put('shim/codex', shim())
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const shim = (node = '/bin/sh', script = join(root, 'stem ma/main.sh')) =>
    shimScript({ platform: 'linux', node, script, args: ['hook', 'run', "it's"] })
  function put(path: string, text: string, mode = 0o755): string {
    const file = join(root, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, mode)
    return file
  }
  const pathOf = (...folders: string[]) =>
    [...folders.map((folder) => (folder === '' ? '' : join(root, folder))), '/usr/bin', '/bin'].join(
      delimiter,
    )
  type Start = {
    path: string
    args?: string[]
    input?: string
    env?: Record<string, string>
    shell?: string[]
  }
  const run = ({ path, args = [], input = '', env = {}, shell = [] }: Start) => {
    const [command = '', ...rest] = [...shell, join(root, 'shim/codex'), ...args]
    const ended = spawnSync(command, rest, {
      cwd: root,
      env: { ...env, PATH: path },
      input,
      encoding: 'utf8',
    })
    return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr, pid: ended.pid }
  }

  const odd = ['a b', '', '"q"', "it's", '*', '$HOME', '`x`', '\\', '-n', '--', 'é\n2', '~', '!', '&', ';']
  test.each(shells)(
    '%s: it is the same process, with the same arguments and input, and adds no word',
    (shell) => {
      const codex = put('bin/codex', tellTale)
      const started = run({
        path: pathOf('shim', 'bin'),
        args: odd,
        input: 'typed',
        shell: shell === 'busybox' ? [shell, 'sh'] : [shell],
      })
      expect(started).toMatchObject({ status: 0, stderr: '' })
      expect(started.stdout).toBe(`${started.pid} ${codex}\n${odd.map((arg) => `[${arg}]\n`).join('')}typed`)
      // What was typed is for Codex.
      expect(readFileSync(pulled, 'utf8')).toBe("hook run it's\n")
    },
  )

  test('exit codes pass, and so do the environment and its odd variables', () => {
    put('bin/codex', '#!/bin/sh\nenv; exit 37\n')
    const env = { A: '1 2', stemma: 'x', ENV: '/nowhere' }
    const { status, stdout } = run({ path: pathOf('shim', 'bin'), env })
    expect(status).toBe(37)
    const lines = stdout.split('\n').filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line) && line !== '')
    expect(lines.sort()).toEqual([
      'A=1 2',
      'ENV=/nowhere',
      `PATH=${pathOf('shim', 'bin')}`,
      `STEMMA_SHIM=${join(root, 'bin/codex')}`,
      'stemma=x',
    ])
  })

  test('S51: what the user tells Node is for Codex, and not for the pull', () => {
    put('bin/codex', '#!/bin/sh\necho "$NODE_OPTIONS $NODE_PATH"\n')
    put('stem ma/main.sh', `echo "[\${NODE_OPTIONS-}\${NODE_PATH-}]" >'${pulled}'\n`)
    const env = { NODE_OPTIONS: '--inspect', NODE_PATH: '/mine' }
    const { status, stdout } = run({ path: pathOf('shim', 'bin'), env })
    expect([status, stdout]).toEqual([0, '--inspect /mine\n'])
    expect(readFileSync(pulled, 'utf8')).toBe('[]\n')
  })

  test('signals reach Codex itself', async () => {
    put('bin/codex', '#!/bin/sh\ntrap "echo caught; exit 9" TERM\necho up\nwhile :; do sleep 0.05; done\n')
    const child: ChildProcess = spawn(join(root, 'shim/codex'), {
      env: { PATH: pathOf('shim', 'bin') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (text.includes('up')) child.kill('SIGTERM')
    })
    const [status] = await once(child, 'close')
    expect([status, said]).toEqual([9, 'up\ncaught\n'])
  })

  test('a Codex that a signal ends is seen to end by that signal', async () => {
    put('bin/codex', '#!/bin/sh\nkill -KILL $$\n')
    const child = spawn(join(root, 'shim/codex'), { env: { PATH: pathOf('shim', 'bin') }, stdio: 'ignore' })
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
  })

  test('the first on PATH that is no shim: not a folder, not a plain file, not a copy or a link of a shim', () => {
    mkdirSync(join(root, 'folder/codex'), { recursive: true })
    put('plain/codex', tellTale, 0o644)
    put('copy/codex', '')
    copyFileSync(join(root, 'shim/codex'), join(root, 'copy/codex'))
    put('other/codex', shim('/elsewhere/node', '/elsewhere/main.js'))
    mkdirSync(join(root, 'link'))
    symlinkSync(join(root, 'shim/codex'), join(root, 'link/codex'))
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'))
    const before = ['folder', 'plain', 'copy', 'other', 'link', 'dangling', 'missing', 'shim']
    const codex = put('b * in/codex', tellTale)
    put('later/codex', tellTale)
    for (const order of [
      [...before, 'b * in', 'later'],
      ['b * in', 'later', ...before],
      ['b * in', ...before, 'later'],
    ]) {
      const { status, stdout } = run({ path: pathOf(...order) })
      expect([status, stdout.split('\n')[0]?.replace(/^\d+ /, '')]).toEqual([0, codex])
    }
  })

  test('an empty part of PATH is the folder it is started in', () => {
    put('codex', tellTale)
    for (const path of [`${pathOf('shim')}:`, pathOf('shim', '')])
      expect(run({ path }).stdout).toContain('./codex')
  })

  test('a binary, one that cannot be read, and one with very long lines', () => {
    put('bin/codex', '')
    copyFileSync('/bin/echo', join(root, 'bin/codex'))
    expect(run({ path: pathOf('shim', 'bin'), args: ['a', 'b'] })).toMatchObject({
      status: 0,
      stdout: 'a b\n',
      stderr: '',
    })
    chmodSync(join(root, 'bin/codex'), 0o111)
    expect(run({ path: pathOf('shim', 'bin'), args: ['a', 'b'] })).toMatchObject({
      status: 0,
      stdout: 'a b\n',
      stderr: '',
    })
  })

  test('upgraded, moved, removed: the next start finds what is there then', () => {
    put('one/codex', '#!/bin/sh\necho one\n')
    put('two/codex', '#!/bin/sh\necho two\n')
    const path = pathOf('shim', 'one', 'two')
    expect(run({ path }).stdout).toBe('one\n')
    put('one/codex', '#!/bin/sh\necho newer\n')
    expect(run({ path }).stdout).toBe('newer\n')
    rmSync(join(root, 'one'), { recursive: true })
    expect(run({ path }).stdout).toBe('two\n')
    rmSync(join(root, 'two'), { recursive: true })
    const none = run({ path })
    expect(none).toMatchObject({ status: 127, stdout: '' })
    expect(none.stderr).toContain('not found on PATH')
    expect(existsSync(pulled)).toBe(true)
  })

  test('without stemma, or without its Node, Codex starts as ever', () => {
    put('bin/codex', tellTale)
    const path = pathOf('shim', 'bin')
    for (const gone of [shim('/nowhere/node'), shim('/bin/sh', '/nowhere/main.js')]) {
      put('shim/codex', gone)
      expect(run({ path, args: ['x'] })).toMatchObject({ status: 0, stderr: '' })
    }
    put('shim/codex', shim('/bin/sh', put('broken.js', 'exit 1\n')))
    expect(run({ path, args: ['x'] })).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(pulled)).toBe(false)
  })

  test('a wrapper that looks for codex on PATH finds the one behind it, and only the first start pulls', () => {
    put('wrap/codex', '#!/bin/sh\necho outer\nexec codex wrapped "$@"\n')
    put('wrap2/codex', '#!/bin/sh\necho inner\ncodex "$@"\n')
    put('bin/codex', '#!/bin/sh\necho "real $*"\n')
    const { status, stdout } = run({ path: pathOf('shim', 'wrap', 'wrap2', 'bin'), args: ['x'] })
    expect([status, stdout]).toEqual([0, 'outer\ninner\nreal wrapped x\n'])
    expect(readFileSync(pulled, 'utf8').match(/hook/g)).toHaveLength(1)
  })

  test('a session inside a session pulls again and comes to the same Codex', () => {
    put('bin/codex', '#!/bin/sh\necho "level $1"\n[ "$1" = 3 ] || codex "$(($1 + 1))"\n')
    const { stdout } = run({ path: pathOf('shim', 'bin'), args: ['1'] })
    expect(stdout).toBe('level 1\nlevel 2\nlevel 3\n')
    expect(readFileSync(pulled, 'utf8').match(/hook/g)).toHaveLength(3)
  })

  test('a wrapper with nothing behind it ends with a word, not never', () => {
    put('wrap/codex', '#!/bin/sh\nexec codex "$@"\n')
    const { status, stderr } = run({ path: pathOf('shim', 'wrap') })
    expect(status).toBe(127)
    expect(stderr).toContain('leads back to the shim')
  })

  test("npm's codex: the native one behind its script, told what the script would tell it", () => {
    const tell =
      '#!/bin/sh\necho "native $CODEX_MANAGED_BY_NPM $CODEX_MANAGED_PACKAGE_ROOT $CODEX_MANAGED_BY_PNPM $*"\n'
    const modules = 'npm/lib/node_modules/@openai'
    put(`${modules}/codex/bin/codex.js`, '#!/usr/bin/env node\nconsole.log("script")\n')
    mkdirSync(join(root, 'npm/bin'))
    symlinkSync(`../lib/node_modules/@openai/codex/bin/codex.js`, join(root, 'npm/bin/codex'))
    const start = () =>
      run({
        path: [pathOf('shim', 'npm/bin'), process.execPath.replace(/\/[^/]*$/, '')].join(delimiter),
        args: ['x'],
        env: { CODEX_MANAGED_BY_PNPM: '1' },
      }).stdout
    expect(start()).toBe('script\n')
    const nested = put(`${modules}/codex/node_modules/@openai/codex-linux-x64/vendor/x/bin/codex`, tell)
    const native = `native 1 ${join(root, modules, 'codex')}  x\n`
    expect(start()).toBe(native)
    rmSync(nested)
    put(`${modules}/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex`, tell)
    expect(start()).toBe(native)
    put(`${modules}/codex-linux-x64/vendor/aarch64-unknown-linux-musl/bin/codex`, tell)
    expect(start()).toBe('script\n')
  })
})

test('golden: the shim for Windows', () => {
  const text = shimScript({
    platform: 'win32',
    node: 'C:\\Program Files\\nodejs\\node.exe',
    script: 'C:\\100%\\stemma\\main.js',
    args: ['before', 'C:\\A & B\\50%', 'D:\\a b'],
  })
  expect(text.split('\r\n')).toEqual([
    '@echo off',
    'rem stemma shim',
    'rem Brings this Codex home up to date, then starts the codex that stands behind this file on PATH.',
    'rem Made by "stemma shim install"; "stemma shim uninstall" removes it.',
    'setlocal DisableDelayedExpansion',
    'setlocal',
    'set "NODE_OPTIONS="',
    'set "NODE_PATH="',
    'set "STEMMA_NODE=C:\\Program Files\\nodejs\\node.exe"',
    'set "STEMMA_SCRIPT=C:\\100%%\\stemma\\main.js"',
    'set "STEMMA_WORD0=before"',
    'set "STEMMA_WORD1=C:\\A & B\\50%%"',
    'set "STEMMA_WORD2=D:\\a b"',
    'if exist "%STEMMA_NODE%" if exist "%STEMMA_SCRIPT%" "%STEMMA_NODE%" "%STEMMA_SCRIPT%" "%STEMMA_WORD0%" "%STEMMA_WORD1%" "%STEMMA_WORD2%" <nul >nul 2>&1',
    'endlocal',
    'for /f "delims=" %%F in (\'^""%SystemRoot%\\System32\\where.exe" "$PATH:codex.exe" 2^>nul^"\') do (',
    '  set "STEMMA_TARGET=%%F"',
    '  goto found',
    ')',
    'for /f "delims=" %%F in (\'^""%SystemRoot%\\System32\\where.exe" "$PATH:codex.cmd" 2^>nul^"\') do (',
    '  "%SystemRoot%\\System32\\findstr.exe" /b /l /c:"rem stemma shim" "%%F" >nul || (',
    '    set "STEMMA_TARGET=%%F"',
    '    goto found',
    '  )',
    ')',
    'echo codex: not found on PATH behind the shim of stemma. Install Codex, or run "stemma shim uninstall". 1>&2',
    'exit /b 9009',
    ':found',
    '"%STEMMA_TARGET%" %*',
    'exit /b %ERRORLEVEL%',
    '',
  ])
  expect(text.split('\r\n')[1]).toContain(shimMark)
  expect(shimName('win32')).toBe('codex.cmd')
  expect(shimName('darwin')).toBe('codex')
})
