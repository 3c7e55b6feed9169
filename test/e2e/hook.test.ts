/** Hooks and their approvals, as the real Codex sees them. What `engine/codex/hook.ts` and `trust.ts` rest on. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hookEvents, hookKey, listHooks, readHooksFile } from '../../engine/codex/hook.ts'
import { approve, type TrustTable, trustStatus } from '../../engine/codex/trust.ts'
import { parseToml, printToml } from '../../engine/toml/toml.ts'
import { startAppServer } from './app-server.ts'
import { describeCodex, runCodexExec, writeCodexConfig } from './codex.ts'
import { type FakeModel, startModel } from './model.ts'

const command = (more: object = {}) => ({ type: 'command', command: '/bin/true', ...more })
const tool = (more: object = {}) => ({ type: 'mcp_tool', server: 's', tool: 't', ...more })

/** Every event with what may and may not count there, and every shape of a handler. */
const variants = {
  ...Object.fromEntries(
    Object.keys(hookEvents).map((event) => [
      event,
      [
        { hooks: [command(), tool()] },
        { matcher: 'startup', hooks: [command({ timeout: 3, additionalContextLimit: 7 })] },
      ],
    ]),
  ),
  SessionStart: [
    { hooks: [command()] },
    { hooks: [command({ timeout: 0 })] },
    { hooks: [command({ timeout: 30, statusMessage: 'Grüße "q" \u2028 \u0001 </x> \u{1f600}' })] },
    { matcher: '', hooks: [command({ statusMessage: '' })] },
    { matcher: '*', hooks: [command({ async: true })] },
    { matcher: null, hooks: [command({ timeout: null, statusMessage: null, commandWindows: null })] },
    { hooks: [command({ commandWindows: 'x.exe' }), command({ command_windows: 'x.exe' })] },
    { hooks: [command({ additionalContextLimit: 100 }), command({ additionalContextLimit: 0 })] },
    { unknown: 1, hooks: [command({ unknown: 3 }), { type: 'prompt' }, { type: 'agent', timeout: 'x' }] },
    { hooks: [] },
    {},
    { hooks: [command({ command: '' }), command({ command: ' \t' }), command({ command: ' /bin/true ' })] },
    {
      hooks: [
        tool({ statusMessage: 'x', timeout: 0 }),
        tool({ input: { b: 1, a: [true, 'x', 2.5, -3, 1e21], 10: { 9: 0.1 }, ü: {} } }),
      ],
    },
    { hooks: [tool({ server: '' }), tool({ tool: '' }), tool({ async: true, additionalContextLimit: 5 })] },
  ],
}

/** Files that Codex drops whole. */
const voided: readonly string[] = [
  '',
  '\ufeff{}',
  '{"hooks":null}',
  '{"hooks":{},"version":1}',
  '{"description":3}',
  '{"hooks":{"Stop":null}}',
  '{"hooks":{"Stop":[{"hooks":null}]}}',
  '{"hooks":{"Stop":[{"matcher":3,"hooks":[]}]}}',
  ...[
    { type: 'later' },
    { type: 'command' },
    { command: 'x' },
    command({ timeout: '3' }),
    command({ timeout: -1 }),
    command({ timeout: 1.5 }),
    command({ async: null }),
    command({ statusMessage: 5 }),
    command({ additionalContextLimit: -5 }),
    { type: 'mcp_tool' },
    tool({ input: null }),
    tool({ input: [] }),
  ].map((handler) => JSON.stringify({ hooks: { Stop: [{ hooks: [handler] }] } })),
]

describeCodex('hooks in the real Codex CLI', () => {
  let model: FakeModel
  let root: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'stemma-hook-'))
    model = await startModel()
  })
  afterAll(async () => {
    await model.close()
    rmSync(root, { recursive: true, force: true })
  })

  const makeHome = (name: string, hooks: unknown, toml = ''): string => {
    const home = join(root, name)
    writeCodexConfig(home, model.baseUrl)
    writeFileSync(join(home, 'config.toml'), `${readFileSync(join(home, 'config.toml'), 'utf8')}\n${toml}`)
    if (hooks !== undefined)
      writeFileSync(join(home, 'hooks.json'), typeof hooks === 'string' ? hooks : JSON.stringify(hooks))
    return home
  }
  const listed = async (home: string) => {
    const server = await startAppServer(home)
    try {
      return await server.listHooks()
    } finally {
      await server.close()
    }
  }
  const ours = (home: string) => readHooksFile(readFileSync(join(home, 'hooks.json'), 'utf8'), 'linux').hooks
  const stateOf = (table: TrustTable) => `\n${printToml({ hooks: { state: table } })}`

  test('S50: every key and every hash, of every event and every shape of a handler', async () => {
    const home = makeHome('variants', { hooks: variants })
    const file = join(home, 'hooks.json')
    const found = await listed(home)
    const theirs = found.hooks.map((hook) => `${hook.key} ${hook.currentHash}`)
    expect(ours(home).map((hook) => `${hookKey(file, hook)} ${hook.hash}`)).toEqual(theirs)
    expect(theirs.length).toBeGreaterThan(50)
    expect(found.hooks.every((hook) => hook.trustStatus === 'untrusted' && hook.enabled)).toBe(true)
  })

  test('S50: hooks of config.toml have the same hashes, under the name of that file', async () => {
    const hooks = [command({ timeout: 3 }), tool({ input: { b: 1, a: ['x', 2] } })]
    const table = { SessionStart: [{ matcher: 'startup', hooks }] }
    const home = makeHome('table', undefined, printToml({ hooks: table }))
    const found = await listed(home)
    expect(found.hooks.map((hook) => [hook.key, hook.currentHash])).toEqual(
      listHooks(table, 'linux').hooks.map((hook) => [hookKey(join(home, 'config.toml'), hook), hook.hash]),
    )
    expect(found.hooks).toHaveLength(2)
  })

  test('S53: a matcher that is none: Codex skips its group, stemma lists it under the same key', async () => {
    const groups = ['[', '(?=x)', 'x'].map((matcher) => ({ matcher, hooks: [command()] }))
    const home = makeHome('matchers', { hooks: { SessionStart: groups } })
    const found = await listed(home)
    expect(ours(home).map((hook) => hook.group)).toEqual([0, 1, 2])
    expect(found.hooks.map((hook) => hook.key)).toEqual([`${join(home, 'hooks.json')}:session_start:2:0`])
    expect(found.warnings.join()).toContain('invalid matcher')
  })

  test('S53: what voids a whole hooks.json for Codex voids it for stemma', async () => {
    for (const [index, text] of voided.entries()) {
      const found = await listed(makeHome(`void-${index}`, text))
      expect(found.hooks, text).toEqual([])
      expect(found.warnings.join(), text).toContain('failed to parse hooks config')
      expect(readHooksFile(text, 'linux').fault, text).not.toBeNull()
    }
  })

  test('S50: each status, as Codex tells it; the key has every symlink resolved', async () => {
    const real = makeHome('states', {
      hooks: { Stop: ['a', 'b', 'c', 'd'].map((c) => ({ hooks: [command({ command: c })] })) },
    })
    const file = join(real, 'hooks.json')
    const [a, b, c] = ours(real)
    if (!a || !b || !c) throw new Error('four hooks were declared')
    const table = {
      ...approve(file, [a], {}),
      [hookKey(file, b)]: { trusted_hash: a.hash },
      [hookKey(file, c)]: { trusted_hash: c.hash, enabled: false },
    }
    writeFileSync(join(real, 'config.toml'), readFileSync(join(real, 'config.toml'), 'utf8') + stateOf(table))
    const home = join(root, 'linked')
    symlinkSync(real, home)
    const found = await listed(home)
    expect(found.hooks.map((hook) => (hook.enabled ? hook.trustStatus : 'disabled'))).toEqual(
      ours(real).map((hook) => trustStatus(file, hook, table)),
    )
    expect(ours(real).map((hook) => trustStatus(file, hook, table))).toEqual([
      'trusted',
      'modified',
      'disabled',
      'untrusted',
    ])
    expect(found.hooks[0]?.key).toBe(`${file}:stop:0:0`)
  })

  test('S50: `exec` runs the hook whose approval stemma wrote, and passes over the one without', async () => {
    const ran = (name: string) => join(root, `ran-${name}`)
    const touch = (name: string) => command({ command: `cat > '${ran(name)}'` })
    const home = makeHome('exec', {
      hooks: { SessionStart: [{ hooks: [touch('unapproved'), touch('approved')] }] },
    })
    const file = join(home, 'hooks.json')
    const [, second] = ours(home)
    if (!second) throw new Error('two hooks were declared')
    writeFileSync(
      join(home, 'config.toml'),
      readFileSync(join(home, 'config.toml'), 'utf8') + stateOf(approve(file, [second], {})),
    )
    const run = await runCodexExec({ home, prompt: 'Say hello.' })
    expect(run.code, run.stderr).toBe(0)
    expect(existsSync(ran('unapproved'))).toBe(false)
    expect(JSON.parse(readFileSync(ran('approved'), 'utf8'))).toMatchObject({
      hook_event_name: 'SessionStart',
      source: 'startup',
    })
  })

  test('S50: the entry that Codex itself writes is the one that stemma would', async () => {
    const home = makeHome('written', { hooks: { SessionStart: [{ hooks: [command()] }] } })
    const file = join(home, 'hooks.json')
    const server = await startAppServer(home)
    const { hooks } = await server.listHooks()
    const value = Object.fromEntries(hooks.map((hook) => [hook.key, { trusted_hash: hook.currentHash }]))
    await server.call('config/batchWrite', {
      edits: [{ keyPath: 'hooks.state', value, mergeStrategy: 'upsert' }],
      reloadUserConfig: true,
    })
    await server.close()
    const text = readFileSync(join(home, 'config.toml'), 'utf8')
    expect(parseToml(text, 'config.toml')['hooks']).toEqual({ state: approve(file, ours(home), {}) })
  })

  test('S43: `config/read` names the layer of every key', async () => {
    const home = makeHome('layers', undefined, '[projects."/nowhere"]\ntrust_level = "trusted"\n')
    const server = await startAppServer(home)
    const read = await server.readConfig()
    await server.close()
    expect(read.config['model']).toBe('gpt-5.1')
    expect(read.origins['model']?.name).toMatchObject({ type: 'user', file: join(home, 'config.toml') })
    expect(read.layers.find((layer) => layer.name.type === 'user')?.config).toMatchObject({
      model_provider: 'fake',
      projects: { '/nowhere': { trust_level: 'trusted' } },
    })
  })
})
