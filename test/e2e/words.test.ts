/** What the commands of two machines say: which file, what was done about it, and what to do next (U1, U2). */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, makeMachine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'

describe('U2: in words', () => {
  const machines: Machine[] = []
  let master: Machine
  let follower: Machine
  let server: Server

  const config = (url: string, more = '') =>
    `model = "gpt-5"\n\n[mcp_servers.docs]\nurl = "${url}"\nbearer_token_env_var = "DOCS${more}_TOKEN"\n`
  const publish = async (change: () => void) => {
    change()
    const { code, stderr } = await master.stemma('master', 'rebuild')
    expect(code, stderr).toBe(0)
  }
  const make = (name: string): Machine => {
    const machine = makeMachine(name)
    machines.push(machine)
    return machine
  }
  const told = async (code: number, ...words: string[]): Promise<string> => {
    const run = await follower.stemma(...words)
    expect(run.code, run.stdout + run.stderr).toBe(code)
    return run.stdout + run.stderr
  }

  beforeAll(async () => {
    master = make('master')
    follower = make('follower')
    master.write('AGENTS.md', 'first\n')
    master.write('.env', 'TOKEN=1\n')
    master.write('config.toml', config('https://a.example'))
    const hook = { hooks: [{ type: 'command', command: 'true' }] }
    master.write('hooks.json', JSON.stringify({ hooks: { Stop: [hook], PreToolUse: [hook] } }))
    expect((await master.stemma('master', 'init')).code).toBe(0)
    server = await master.serve(...onLoopback)
    const { link } = (await master.stemma('master', 'link', '--json')).json()
    const said = await told(0, 'follower', 'join', String(link), '--yes')
    expect(said).toContain('The session hook is installed: two hooks of stemma in hooks.json')
  })
  afterAll(async () => {
    for (const machine of machines) await machine.remove()
  })

  test('S53: hooks that Codex skips are counted, and whose they are is told', async () => {
    const before = follower.read('hooks.json') ?? ''
    const all = JSON.parse(before)
    all.hooks.Interrupt = [{ hooks: [{ type: 'command', command: 'mine' }] }]
    follower.write('hooks.json', JSON.stringify(all))
    expect(await told(0, 'hook', 'status')).toContain(
      'Codex skips 3 hooks of hooks.json: 2 from the master (not approved yet), 1 of your own (not approved yet). Approve them in Codex.\n',
    )
    const { skipped } = JSON.parse(await told(0, 'hook', 'status', '--json'))
    expect(skipped[0]).toEqual({ hook: 'PreToolUse:0:0', why: 'untrusted', origin: 'master' })
    follower.write('hooks.json', before)
  })

  test('S53, S41: a broken config.toml is named wherever it matters, and nothing says that all is well', async () => {
    const before = follower.read('config.toml') ?? ''
    follower.write('config.toml', `${before}\nbroken = [\n`)
    for (const command of [['hook', 'status'], ['status']])
      expect(await told(0, ...command)).toMatch(
        /Codex will skip the session hook\. config\.toml: Line \d+ is not TOML: .*\. Codex itself will not start with it\.\n/,
      )
    const lacks = /but 1 file (?:cannot|could not) be brought up to date[.\n]/
    for (const [code, ...words] of [
      [1, 'sync'],
      [1, 'apply'],
      [0, 'plan'],
      [0, 'status'],
    ] as const) {
      const said = await told(code, ...words)
      expect(said, words[0]).toMatch(lacks)
      expect(said, words[0]).not.toContain('Up to date')
      expect(said).toContain('Left as it was: config.toml: ')
    }
    expect(await told(0, 'plan')).toContain('Nothing would change, but 1 file cannot')
    follower.write('config.toml', before)
    expect(await told(0, 'sync')).toMatch(/^Up to date at entry \d+ /)
  })

  test('S53: so is a hooks.json that Codex drops', async () => {
    const before = follower.read('hooks.json') ?? ''
    follower.write('hooks.json', '{')
    expect(await told(0, 'hook', 'status')).toContain('Codex runs no hook. hooks.json: it is not JSON.\n')
    expect(await told(1, 'hook', 'uninstall')).toContain('as it was: hooks.json could not be changed.\n')
    follower.write('hooks.json', before)
    expect(await told(0, 'hook', 'install')).toContain('The session hook is installed: two hooks')
  })

  test('S50: a hook that comes and goes is told of', async () => {
    expect(await told(0, 'hook', 'uninstall')).toMatch(/^The session hook is removed\.\n/)
    expect(await told(0, 'hook', 'uninstall')).toMatch(/^There was no hook to remove\.\n/)
    expect(await told(0, 'hook', 'install')).toMatch(/^The session hook is installed: /)
    expect(JSON.parse(await told(0, 'hook', 'install', '--json'))).toMatchObject({
      hook: { installed: true, trusted: true },
      faults: [],
    })
  })

  describe('S39: a conflict', () => {
    beforeAll(async () => {
      follower.write('AGENTS.md', 'mine\n')
      const text = (follower.read('config.toml') ?? '')
        .replace('https://a.example', 'https://mine.example')
        .replace('"DOCS_TOKEN"', '"MINE_TOKEN"')
      follower.write('config.toml', text)
      await publish(() => {
        master.write('AGENTS.md', 'second\n')
        master.write('config.toml', config('https://b.example', '_B'))
      })
      expect((await follower.stemma('sync')).code).toBe(3)
    })

    test.each([
      ['mcp_servers.docs.ulr', 'mcp_servers.docs.url'],
      ['docs.url', 'mcp_servers.docs.url'],
      ['agents.md', 'AGENTS.md'],
      ['./AGENT.md', 'AGENTS.md'],
    ])('`resolve %s` asks whether %s was meant', async (words, meant) => {
      for (const command of [
        ['resolve', words, '--take', 'local'],
        ['conflicts', words],
      ])
        expect(await told(2, ...command)).toBe(
          `error: There is no conflict at ${words.replace('./', '')}; did you mean ${meant}?\nList them with \`stemma conflicts\`.\n`,
        )
      const json = JSON.parse((await follower.stemma('resolve', words, '--take', 'local', '--json')).stdout)
      expect(json).toMatchObject({ error: { code: 'no-conflict' } })
    })

    test('Q5: the name of a variable is no secret, and its value is; marks are explained where there are some', async () => {
      const key = await told(0, 'conflicts', 'mcp_servers.docs.bearer_token_env_var')
      expect(key).toContain('-mcp_servers.docs.bearer_token_env_var = "MINE_TOKEN"\n')
      expect(key).toContain('+mcp_servers.docs.bearer_token_env_var = "DOCS_B_TOKEN"\n')
      expect(key).toContain('`-` is what lies here')
      const env = follower.read('.env') ?? ''
      follower.write('.env', 'TOKEN=2\n')
      const hidden = await told(0, 'conflicts', '.env')
      expect(hidden).toContain('It may hold secrets')
      expect(hidden).not.toContain('`-` is what lies here')
      follower.write('.env', env)
    })

    test('U1: a shell is told its names, those of followers by the master, and of trouble nothing', async () => {
      expect(await told(0, 'known', 'conflicts')).toBe(
        'AGENTS.md\nconfig.toml#mcp_servers.docs.url\nconfig.toml#mcp_servers.docs.bearer_token_env_var\n',
      )
      const { name } = (await follower.stemma('status', '--json')).json()
      expect(await master.stemma('known', 'enrolled')).toMatchObject({ code: 0, stdout: `${name}\n` })
      expect(await master.stemma('known', 'waiting')).toMatchObject({ code: 0, stdout: '', stderr: '' })
      for (const machine of [master, make('nobody')])
        expect(await machine.stemma('known', 'conflicts')).toMatchObject({ code: 1, stdout: '', stderr: '' })
    })

    test('once settled, says what became of it', async () => {
      expect(await told(0, 'resolve', 'mcp_servers.docs.url', '--take', 'local')).toMatch(
        /^Settled: mcp_servers\.docs\.url: yours stays until the canonical one changes\.\n/,
      )
      const canonical = await told(
        0,
        'resolve',
        'mcp_servers.docs.bearer_token_env_var',
        '--take',
        'canonical',
      )
      const [, kept = ''] =
        /^Settled: mcp_servers\.docs\.bearer_token_env_var: canonical; yours is in (\S+\.tar)\.\n/.exec(
          canonical,
        ) ?? []
      expect(existsSync(kept), canonical).toBe(true)
      expect(canonical).not.toContain('What was replaced')
      expect(await told(0, 'resolve', './AGENTS.md', '--take', 'canonical')).toContain(
        'Settled: AGENTS.md: canonical; yours is in ',
      )
      expect(follower.read('AGENTS.md')).toBe('second\n')
      expect(await told(0, 'conflicts')).toContain('No conflicts.')
    })
  })

  test('S35: how a file would change is said in plain words', async () => {
    await publish(() => {
      master.write('prompts/new.md', 'new\n')
      master.write('AGENTS.md', 'third\n')
    })
    expect(await told(0, 'sync', '--dry-run')).toMatch(
      /~ AGENTS\.md \(changed\)\n\+ prompts\/new\.md \(new\)\n/,
    )
    expect(await told(0, 'sync')).toContain('2 files changed; now at entry ')
    await publish(() => master.erase('prompts/new.md'))
    expect(await told(0, 'sync', '--dry-run')).toContain('- prompts/new.md (removed)\n')
  })

  test('U1: `run` has no answer of its own, so no --json', async () => {
    expect(await told(2, 'run', '--json', '--', 'exec')).toContain('`stemma run` has no option `--json`')
    expect(await told(0, 'run', '--help')).not.toContain('--json')
  })

  test('S41, S15: `master serve` says once what is not published and why, `master status` whom it lets in', async () => {
    const before = master.read('config.toml') ?? ''
    await publish(() => master.write('config.toml', 'broken = [\n'))
    const said = await server.event('warning')
    expect(said).toMatchObject({
      path: 'config.toml',
      why: expect.stringContaining('is not published as it is now'),
    })
    await publish(() => master.write('AGENTS.md', 'fourth\n'))
    expect(server.said.filter(({ event }) => event === 'warning')).toHaveLength(1)
    await publish(() => master.write('config.toml', before))
    const status = await master.stemma('master', 'status')
    expect(status.stdout).toMatch(/enrolment +open to the tailnet and 127\.0\.0\.0\/8\n/)
    expect((await master.stemma('status', '--json')).json()['allow']).toEqual(['127.0.0.0/8'])
  })

  test('S41: a master that is not served says it, too', async () => {
    const idle = make('idle')
    idle.write('config.toml', 'model = "one"\n')
    expect((await idle.stemma('master', 'init')).code).toBe(0)
    idle.write('config.toml', 'broken = [\n')
    for (const command of ['status', 'rebuild']) {
      const { stdout } = await idle.stemma('master', command)
      expect(stdout.replace(/\s+/g, ' ')).toMatch(
        /Warnings: config\.toml is not published as it is now: line \d+ is not TOML: /,
      )
      const { warnings } = (await idle.stemma('master', command, '--json')).json()
      expect(warnings).toMatchObject([{ kind: 'unfit', path: 'config.toml' }])
    }
    idle.write('config.toml', 'model = "one"\n')
    expect((await idle.stemma('master', 'status')).stdout).not.toContain('Warnings')
  })

  test('N11: a shim that is removed leaves a line and open shells, which are told of', async () => {
    const line = `export PATH=${join(follower.stemmaHome, 'bin')}:"$PATH"`
    expect(await told(0, 'shim', 'install')).toContain(line)
    const gone = await told(0, 'shim', 'uninstall')
    expect(gone).toMatch(/^Removed: /)
    expect(gone).toContain(line)
    expect(gone).toContain('`hash -r`')
    expect(await told(0, 'shim', 'uninstall')).not.toContain('hash -r')
  })

  test('S50, S60: who leaves is told what stays', async () => {
    await told(0, 'shim', 'install')
    const left = await told(0, 'follower', 'leave')
    expect(left).toContain(
      `${follower.codexHome} stay, those with secrets included (.env, config.toml, hooks.json).\n`,
    )
    expect(left).toContain('The session hook is removed.\n')
    expect(left).toContain('(`stemma shim uninstall` removes it).\n')
    expect(left).toMatch(/The master lists this machine \([0-9a-f]{12}\) still; `stemma master revoke`/)
    expect(readdirSync(follower.codexHome)).toContain('.env')
  })

  test('Q4: who is revoked once is not revoked again', async () => {
    const { followers } = (await master.stemma('master', 'followers', '--json')).json()
    const id = Array.isArray(followers) ? String(followers[0].id) : ''
    expect((await master.stemma('master', 'revoke', id, '--yes')).stdout).toContain('is cut off.')
    expect((await master.stemma('master', 'open')).code).toBe(0)
    const again = await master.stemma('master', 'revoke', id)
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('was revoked already')])
    expect((await master.stemma('status', '--json')).json()['approve']).toBe(false)
  })
})
