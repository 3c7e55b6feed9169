/** Installing and removing services, with service managers that are stand-ins, and services that are real. */
import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Compiled, compile } from '../../compiled.ts'
import { Fakes, freePort } from './fakes.ts'

let root: string
let fakes: Fakes
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stemma-service-'))
  fakes = new Fakes(join(root, 'fakes'), join(root, '.config/systemd/user'))
})
afterEach(() => {
  fakes.close()
  rmSync(root, { recursive: true, force: true })
})

const stemmaHome = () => join(root, '.stemma')
const unitFile = () => join(root, '.config/systemd/user/stemma-master.service')
const launcher = () => join(stemmaHome(), 'service/stemma')
/** Every path below the folder of the user, but for sockets and what the fakes keep. */
const everything = (): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/^fakes\b|[/]run\b/.test(path))
    .sort()

describe.skipIf(process.platform !== 'linux')('S54: on Linux', () => {
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await compile('cli/stemma.cts')
  })
  afterAll(() => compiled.remove())

  const args = (words: readonly string[]) => [
    join(dirname(compiled.at('cli/main.ts')), 'stemma.cjs'),
    ...words,
  ]
  const env = (path = `${fakes.bin}:/usr/bin:/bin`) => ({ HOME: root, PATH: path, NO_COLOR: '1' })
  const stemma = (words: string, path?: string) => {
    const ended = spawnSync(process.execPath, args(words.split(' ')), { env: env(path), encoding: 'utf8' })
    return {
      ...ended,
      get told() {
        return JSON.parse(ended.stdout)
      },
    }
  }
  beforeEach(() => {
    mkdirSync(join(root, '.codex'))
    expect(stemma('master init').status).toBe(0)
  })

  const loopback = '--host 127.0.0.1 --allow 127.0.0.0/8'
  const calls = [
    'show --property=Version',
    'daemon-reload',
    'enable --quiet stemma-master.service',
    'restart stemma-master.service',
  ].map((words) => `systemctl --user ${words}`)

  test('it is installed, told, seen, restarted by another install, and gone after an uninstall', async () => {
    const before = everything()
    const port = await freePort()
    fakes.set('start')
    fakes.set('linger', 'Linger=no\n')
    const first = stemma(`master install ${loopback} --port ${port}`)
    expect([first.status, first.stderr]).toEqual([0, ''])
    expect(first.stdout).toContain('stemma-master.service is installed and serves.')
    expect(first.stdout).toContain('`loginctl enable-linger`')
    expect(fakes.called()).toEqual([...calls, `loginctl show-user ${process.getuid?.()} --property=Linger`])
    expect(stemma('status --json').told.service).toEqual({ installed: true, running: true })
    expect(stemma('master status').stdout).toMatch(/^service +installed, and runs$/m)

    const { pid } = fakes
    fakes.set('linger', 'Linger=yes\n')
    fakes.called()
    const second = stemma(`master install ${loopback} --port ${port} --approve --json`)
    expect(second.told).toEqual({
      service: 'stemma-master.service',
      installed: true,
      running: true,
      serving: true,
      files: [launcher(), unitFile()],
      linger: true,
      logs: 'journalctl --user --unit stemma-master.service',
    })
    expect(fakes.pid).not.toBe(pid)
    expect(readFileSync(unitFile(), 'utf8')).toContain(`--port ${port} --allow 127.0.0.0/8 --approve\n`)

    fakes.called()
    expect(stemma('master uninstall').stdout).toBe('Removed: stemma-master.service\n')
    const of = (words: string) => `systemctl --user ${words} stemma-master.service`
    expect(fakes.called()).toEqual([
      calls[0],
      of('stop'),
      of('disable --quiet'),
      of('show --property=ActiveState'),
      calls[1],
      of('reset-failed'),
    ])
    expect(fakes.pid).toBe(null)
    expect(everything().filter((path) => !/log\/|blobs/.test(path))).toEqual(
      before.filter((path) => !/log\/|blobs/.test(path)),
    )
    expect(stemma('status --json').told.service).toEqual({ installed: false, running: false })
    expect(stemma('master uninstall').stdout).toBe('There is none: stemma-master.service\n')
  })

  test('--print shows every file and command, and does nothing', () => {
    const before = everything()
    const { status, stdout } = stemma('master install --print --port 18000')
    expect(status).toBe(0)
    for (const line of [
      `File: ${unitFile()} (mode 0600)`,
      '  ExecStart=/bin/sh',
      '  systemctl --user daemon-reload',
    ])
      expect(stdout).toContain(line)
    const { told } = stemma('master install --print --json')
    expect(told.files.map((file: { path: string }) => file.path)).toEqual([launcher(), unitFile()])
    expect(told.commands).toEqual(calls.slice(1).map((call) => call.split(' ')))
    expect([fakes.called(), everything()]).toEqual([[], before])
  })

  test('S55: without a service manager: one sentence, what to do by hand, and nothing left', () => {
    const before = everything()
    const without = stemma('master install --json', '/nonexistent')
    expect([without.status, without.told.error.code]).toEqual([1, 'no-service-manager'])
    fakes.set('fail show', 'Failed to connect to bus: No medium found\n')
    const { status, stdout, stderr } = stemma('master install --host 10.0.0.5 --allow 10.0.0.0/8')
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'error: There is no service manager to hand `stemma master serve --host 10.0.0.5 --allow 10.0.0.0/8` to: Failed to connect to bus: No medium found.\n' +
        'Start that command yourself, from a terminal that stays (tmux), cron (`@reboot`) or the start files of this system: stemma needs no service.\n',
    )
    expect(everything()).toEqual(before)
  })

  test('an install that fails leaves nothing, or what was there before', async () => {
    const before = everything()
    fakes.set('fail enable', 'Failed to enable unit: it is masked\n')
    const failed = stemma('master install --json')
    expect([failed.status, failed.told.error.code]).toEqual([1, 'service-failed'])
    expect(failed.told.error.message).toContain('Failed to enable unit: it is masked.')
    expect(everything()).toEqual(before)

    fakes.unset('fail enable')
    fakes.set('start')
    const port = await freePort()
    expect(stemma(`master install ${loopback} --port ${port}`).status).toBe(0)
    const unit = readFileSync(unitFile(), 'utf8')
    fakes.set('fail enable', 'no\n')
    expect(stemma(`master install ${loopback} --port ${await freePort()}`).status).toBe(1)
    expect(readFileSync(unitFile(), 'utf8')).toBe(unit)
    expect(fakes.called().at(-1)).toBe('systemctl --user restart stemma-master.service')
  })

  test('one that is started and does not serve is told, and stays', () => {
    const { status, stdout } = stemma('master install')
    expect(status).toBe(1)
    expect(stdout).toContain('is installed and was started, but it does not serve yet.')
    expect(existsSync(unitFile())).toBe(true)
    expect(stemma('status --json').told.service).toEqual({ installed: true, running: false })
    fakes.set('fail show', 'no bus\n')
    expect(stemma('status --json').told.service).toBe(null)
    expect(stemma('master uninstall --json').told).toMatchObject({ removed: true, told: false })
    expect(existsSync(unitFile())).toBe(false)
  })

  test('what is not ours stays', () => {
    mkdirSync(dirname(unitFile()), { recursive: true })
    mkdirSync(dirname(launcher()), { recursive: true })
    for (const file of [unitFile(), launcher()]) {
      writeFileSync(file, '[Service]\nExecStart=/bin/mine\n')
      const refused = stemma('master install --json')
      expect([refused.status, refused.told.error.code]).toEqual([1, 'not-ours'])
      expect(readFileSync(file, 'utf8')).toContain('mine')
      if (file === unitFile()) expect(stemma('master uninstall --json').told.error.code).toBe('not-ours')
      else expect(stemma('master uninstall').status).toBe(0)
      expect(readFileSync(file, 'utf8')).toContain('mine')
      rmSync(file)
    }
    mkdirSync(dirname(unitFile()), { recursive: true })
    symlinkSync('/dev/null', unitFile())
    expect(stemma('master install --json').told.error.code).toBe('not-ours')
  })

  test('half of an install goes, too', () => {
    const before = everything()
    const wants = join(dirname(unitFile()), 'default.target.wants')
    mkdirSync(wants, { recursive: true })
    symlinkSync(unitFile(), join(wants, 'stemma-master.service'))
    mkdirSync(join(stemmaHome(), 'app.next-0123/node_modules'), { recursive: true })
    expect(stemma('master uninstall --json').told).toMatchObject({ removed: true })
    expect(everything()).toEqual(before)
  })

  test.each([
    ['follower install', 'wrong-role', 1],
    ['master install --port 0', 'usage', 2],
    ['master install --allow nonsense', 'usage', 2],
  ])('%s is refused before anything is done', (words, code, exit) => {
    const before = everything()
    const refused = stemma(`${words} --json`)
    expect([refused.told.error.code, refused.status]).toEqual([code, exit])
    expect([fakes.called(), everything()]).toEqual([[], before])
  })

  test('a folder that is no machine yet, and one that no service could name', () => {
    rmSync(stemmaHome(), { recursive: true })
    expect(stemma('master install --json').told.error.code).toBe('not-initialised')
    const child = spawnSync(process.execPath, args(['master', 'uninstall', '--json']), {
      env: { ...env(), CODEX_HOME: join(root, 'a\nb') },
      encoding: 'utf8',
    })
    expect(JSON.parse(child.stdout).error.code).toBe('usage')
  })

  test('what runs by hand comes first', async () => {
    const child = spawn(process.execPath, args(`master serve ${loopback} --port 0 --json`.split(' ')), {
      env: env(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const before = everything()
    expect(stemma('master install --json').told.error).toMatchObject({
      code: 'locked',
      facts: { what: 'master serve' },
    })
    expect(everything()).toEqual(before)
    child.kill()
    await new Promise((resolve) => child.once('close', resolve))
  })
})
