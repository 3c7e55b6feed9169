/** What `conflicts` says of each kind: which, why, and what differs, without a secret and without control characters. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, onLoopback } from './machine.ts'
import { linkOf, make, removeAll } from './trouble.ts'

const canary = 'correct horse battery'

describe('S39: conflicts', () => {
  let master: Machine
  let follower: Machine
  const publish = async (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) master.write(path, text)
    const told = await master.stemma('master', 'rebuild')
    expect(told.code, told.stderr).toBe(0)
  }
  const config = (model: string, token: string) =>
    `model = "${model}"\n\n[mcp_servers.docs]\ncommand = "docs"\nargs = ["--token", "${token}"]\n`

  beforeAll(async () => {
    master = make('master')
    follower = make('follower')
    await publishFirst()
    follower.write('RTK.md', 'here before\n')
    symlinkSync('RTK.md', join(follower.codexHome, 'AGENTS.override.md'))
    mkdirSync(join(follower.codexHome, 'prompts', 'folder.md'), { recursive: true })
    const joined = await follower.stemma('follower', 'join', await linkOf(master), '--yes')
    expect(joined.code, joined.stderr).toBe(3)
    follower.write('AGENTS.md', 'first\nmine \u001b[31mred\u202e\n\tlast\n')
    follower.write('config.toml', config('mine', `${canary} 3`))
    follower.write('.env', `TOKEN=${canary} 2\n`)
    follower.erase('prompts/gone.md')
    await publish({
      'AGENTS.md': 'first\ntheirs\n\tlast\n',
      'config.toml': config('theirs', `${canary} 2`),
    })
    expect((await follower.stemma('sync')).code).toBe(3)
  })
  afterAll(removeAll)
  async function publishFirst() {
    for (const [path, text] of Object.entries({
      'AGENTS.md': 'first\n\tlast\n',
      'AGENTS.override.md': 'over\n',
      'RTK.md': 'canonical\n',
      'prompts/gone.md': 'a prompt\n',
      'prompts/folder.md': 'a file\n',
      'config.toml': config('first', `${canary} 1`),
      '.env': `TOKEN=${canary} 1\n`,
    }))
      master.write(path, text)
    const init = await master.stemma('master', 'init')
    expect(init.code, init.stderr).toBe(0)
    await master.serve(...onLoopback)
  }
  const told = async (...words: string[]): Promise<string> => {
    const run = await follower.stemma('conflicts', ...words)
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).not.toContain('horse')
    for (const hidden of ['\u001b', '\u202e', '\t']) expect(run.stdout).not.toContain(hidden)
    return run.stdout
  }

  test('each has its reason', async () => {
    const text = await told()
    expect(text).toContain('8 conflicts')
    for (const line of [
      'AGENTS.md was changed here and on the master',
      'AGENTS.override.md is a symbolic link here',
      'RTK.md was here before and differs from the canonical one',
      '.env was changed here',
      'prompts/folder.md has something else in its place',
      'prompts/gone.md was deleted here',
      'config.toml#model was changed here and on the master',
      'config.toml#mcp_servers.docs.args was changed here and on the master',
    ])
      expect(text).toContain(`  ${line}\n`)
    expect(text).toContain('stemma conflicts --diff')
  })

  test('with --diff, what differs', async () => {
    const text = await told('--diff')
    expect(text).toContain('  -mine \\u{1b}[31mred\\u{202e}\n  +theirs\n   →   last\n')
    expect(text).toContain('  -here before\n  +canonical\n')
    expect(text).toContain('  +a prompt\n')
    expect(text).toContain('  -model = "mine"\n  +model = "theirs"\n')
    expect(text).toContain('  -mcp_servers.docs.args = ‹hidden›\n')
    expect(text).toMatch(/\.env was changed here\n +It may hold secrets/)
    expect(text).toMatch(
      /AGENTS\.override\.md is a symbolic link here\n +What stands there is never replaced/,
    )
  })

  test('of one, by its file, its key, or both', async () => {
    expect(await told('RTK.md')).toMatch(/^RTK\.md was here before.*\n {2}@@ -1 \+1 @@\n {2}-here/)
    const key = await told('model')
    expect(await told('config.toml#model')).toBe(key)
    expect(key).toContain('+model = "theirs"')
    expect(key).not.toContain('mcp_servers')
    expect(await told('config.toml')).toContain('mcp_servers.docs.args')
    const none = await follower.stemma('conflicts', 'nothing.md')
    expect([none.code, none.stderr]).toEqual([
      2,
      'error: There is no conflict at nothing.md.\nList them with `stemma conflicts`.\n',
    ])
  })

  test('U1: as JSON, with the difference where it was asked for', async () => {
    const plain = JSON.parse(await told('--json'))
    expect(plain.conflicts).toHaveLength(8)
    const one = plain.conflicts.find((conflict: { path: string }) => conflict.path === 'RTK.md')
    expect(one).toMatchObject({ kind: 'exists', key: null, why: expect.stringContaining('was here before') })
    expect(one).not.toHaveProperty('diff')
    const { conflicts, settled } = JSON.parse(await told('--json', 'RTK.md'))
    expect(settled).toEqual([])
    expect(conflicts).toMatchObject([
      { path: 'RTK.md', diff: { lines: ['@@ -1 +1 @@', '-here before', '+canonical'], more: 0 } },
    ])
    const all = JSON.parse(await told('--json', '--diff')).conflicts
    expect(all.every((conflict: object) => 'diff' in conflict)).toBe(true)
  })

  test('what was settled can be looked at still', async () => {
    expect((await follower.stemma('resolve', 'RTK.md', '--take', 'local')).code).toBe(0)
    expect(await told('RTK.md')).toContain('  -here before\n')
    expect(JSON.parse(await told('--json', 'RTK.md'))).toMatchObject({
      conflicts: [],
      settled: [{ path: 'RTK.md' }],
    })
  })

  test('a key that was settled is shown like a file, taken back, and told apart when the master changes it', async () => {
    const settled = [{ path: 'config.toml', key: 'model', kind: 'edited' }]
    expect((await follower.stemma('resolve', 'model', '--take', 'local')).code).toBe(0)
    expect(JSON.parse(await told('--json')).settled).toMatchObject([
      { path: 'RTK.md', key: null },
      ...settled,
    ])
    expect(await told('config.toml#model')).toContain('  -model = "mine"\n  +model = "theirs"\n')
    expect(JSON.parse(await told('--json', 'model'))).toMatchObject({ conflicts: [], settled })
    const status = await follower.stemma('status')
    expect(status.stdout).toContain('Kept by your choice: RTK.md, config.toml#model\n')
    expect((await follower.stemma('status', '--json')).json()).toMatchObject({ settled: [{}, ...settled] })
    await publish({ 'config.toml': config('newer', `${canary} 2`) })
    expect((await follower.stemma('sync')).code).toBe(3)
    expect(await told()).toContain(
      '  config.toml#model was kept by your choice, and the master changed it since\n',
    )
    expect((await follower.stemma('resolve', 'config.toml#model', '--take', 'local')).code).toBe(0)
    const back = await follower.stemma('resolve', 'config.toml#model', '--take', 'canonical')
    expect([back.code, back.stderr]).toEqual([0, ''])
    expect(follower.read('config.toml')).toContain('model = "newer"')
    expect(JSON.parse(await told('--json')).settled).toMatchObject([{ path: 'RTK.md' }])
  })

  test('U2: a config that cannot be composed is named with the reason, and what to do', async () => {
    const before = follower.read('config.toml') ?? ''
    follower.write('config.toml', 'model = [\n')
    for (const command of ['sync', 'status', 'plan']) {
      const { stdout } = await follower.stemma(command)
      expect(stdout).toMatch(
        /Left as it was: config\.toml: .*line \d+ is not TOML.*\.\n {2}Correct the named line/,
      )
    }
    expect(JSON.parse((await follower.stemma('plan', '--json')).stdout)).toMatchObject({
      left: [{ path: 'config.toml', code: 'bad-config' }],
    })
    follower.write('config.toml', before)
  })
})
