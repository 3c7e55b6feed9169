/** `stemma run` before codexes of many kinds: what goes in, what comes out, and how it ends (N11). */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Compiled, compile } from '../compiled.ts'
import { openTerminal, terminalMissing } from '../e2e/terminal.ts'

describe.skipIf(process.platform === 'win32')('N11: `run`', () => {
  let compiled: Compiled
  let root: string
  const children: ChildProcess[] = []
  beforeAll(async () => {
    compiled = await compile('cli/main.ts')
  })
  afterAll(() => compiled.remove())
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'stemma-run-'))
    mkdirSync(join(root, 'bin'))
  })
  afterEach(() => {
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
    rmSync(root, { recursive: true, force: true })
  })

  const codex = (text: string) => {
    writeFileSync(join(root, 'bin/codex'), `#!/bin/sh\n${text}\n`)
    chmodSync(join(root, 'bin/codex'), 0o755)
  }
  const env = () => ({ HOME: root, PATH: `${join(root, 'bin')}:/usr/bin:/bin`, TOLD: 'as it was' })
  const words = (...args: string[]) => [compiled.at('cli/main.ts'), 'run', '--', ...args]
  const run = (input: string, ...args: string[]) => {
    const ended = spawnSync(process.execPath, words(...args), {
      cwd: root,
      env: env(),
      input,
      encoding: 'utf8',
    })
    return { status: ended.status, signal: ended.signal, stdout: ended.stdout, stderr: ended.stderr }
  }
  const start = () => {
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const child = spawn(process.execPath, words(), { cwd: root, env: env(), stdio: [...stdio] })
    children.push(child)
    return child
  }
  const said = async (child: ChildProcess) => String((await once(child.stdout ?? child, 'data'))[0]).trim()

  test('arguments, input, folder, environment and both outputs are those that it was given', () => {
    codex('for a in "$@"; do printf "[%s]" "$a"; done; cat; pwd; echo "$TOLD"; echo trouble >&2; exit 7')
    const odd = ['a b', '', '"q"', "it's", '*', '$HOME', '-n', '--', '--json', '--help', 'é\n2', '!', ';']
    expect(run('typed', ...odd)).toEqual({
      status: 7,
      signal: null,
      stdout: `${odd.map((one) => `[${one}]`).join('')}typed${root}\nas it was\n`,
      stderr: 'trouble\n',
    })
  })

  test('what the user tells Node is for Codex too', () => {
    codex('echo "$NODE_OPTIONS $NODE_PATH"')
    const { stdout } = spawnSync(process.execPath, words(), {
      env: { ...env(), NODE_OPTIONS: '--no-warnings', NODE_PATH: '/mine' },
      encoding: 'utf8',
    })
    expect(stdout).toBe('--no-warnings /mine\n')
  })

  test('without a codex it says so', () => {
    expect(run('', 'x')).toEqual({
      status: 127,
      signal: null,
      stdout: '',
      stderr: 'codex: not found on PATH. Install Codex first.\n',
    })
  })

  test('it passes over the shim, and a wrapper that calls it leads on to the real one', () => {
    codex(`exec '${process.execPath}' '${compiled.at('cli/main.ts')}' run -- wrapped "$@"`)
    mkdirSync(join(root, 'real'))
    writeFileSync(join(root, 'real/codex'), '#!/bin/sh\necho "real $*"\n', { mode: 0o755 })
    mkdirSync(join(root, 'shim'))
    writeFileSync(join(root, 'shim/codex'), '#!/bin/sh\n# stemma shim\nexit 9\n', { mode: 0o755 })
    const PATH = [...['shim', 'bin', 'real'].map((name) => join(root, name)), '/usr/bin', '/bin'].join(':')
    const { stdout } = spawnSync(process.execPath, words('x'), { env: { ...env(), PATH }, encoding: 'utf8' })
    expect(stdout).toBe('real wrapped x\n')
  })

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR2'] as const)(
    '%s goes to Codex, which decides',
    async (signal) => {
      codex(`trap 'echo got; exit 5' ${signal.slice(3)}; echo ready; while :; do sleep 0.01; done`)
      const child = start()
      expect(await said(child)).toBe('ready')
      child.kill(signal)
      expect(await once(child, 'close')).toEqual([5, null])
    },
  )

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSEGV'] as const)('a death by %s is one', async (signal) => {
    codex(`ulimit -c 0; echo ready; kill -${signal.slice(3)} $$; sleep 10`)
    expect(await once(start(), 'close')).toEqual([null, signal])
  })

  test('when it is killed itself, nothing is left to wait', async () => {
    codex('echo $$; while :; do sleep 0.01; done')
    const child = start()
    const pid = Number(await said(child))
    child.kill('SIGKILL')
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    process.kill(pid, 'SIGKILL')
  })

  const noTerminal = terminalMissing()
  if (noTerminal !== null) process.stderr.write(`skipped: run in a terminal: ${noTerminal}\n`)
  test.skipIf(noTerminal !== null)(
    'in a terminal: the terminal is Codex’s, and a key that interrupts does so once',
    async () => {
      const log = join(root, 'log')
      codex(`tty >'${log}'; trap 'echo int >>"${log}"' INT; trap 'echo size >>"${log}"' WINCH
echo ready; while [ "$(grep -c int '${log}')" -lt 2 ]; do sleep 0.05; done; sleep 0.3; exit 3`)
      const terminal = openTerminal({ command: [process.execPath, ...words()], cwd: root, env: env() })
      try {
        await terminal.until('its start', (screen) => screen.includes('ready'))
        terminal.press('C-c')
        await terminal.until('the first', () => readFileSync(log, 'utf8').includes('int\n'))
        terminal.press('C-c')
        await terminal.ended()
        const [tty, ...rest] = readFileSync(log, 'utf8').trim().split('\n')
        expect(tty).toMatch(/^\/dev\//)
        expect(rest).toEqual(['int', 'int'])
      } finally {
        terminal.close()
      }
    },
  )

  test('nothing is made where nobody follows', () => {
    codex('exit 0')
    expect(run('').status).toBe(0)
    expect(existsSync(join(root, '.stemma'))).toBe(false)
  })

  test('a program that cannot be started is a fault, told as one', () => {
    const script = `import(${JSON.stringify(compiled.at('cli/become.ts'))}).then(({ become }) =>
      become('/nowhere/codex', [], {})).catch((error) => console.log(error.code))`
    expect(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout.trim()).toBe(
      'codex-missing',
    )
  })

  test('signals have the numbers that shells know', () => {
    codex('kill -TERM $$')
    const { status } = spawnSync('/bin/sh', ['-c', '"$@"', 'sh', process.execPath, ...words()], {
      env: env(),
    })
    expect(status).toBe(128 + constants.signals.SIGTERM)
  })
})
