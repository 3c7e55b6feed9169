/** U4: what Codex would not do with this home, on real ones: hooks, config, a login, Codex itself, the shim. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, expect, test } from 'vitest'
import { openWard } from './ward.ts'

const ward = await openWard()
const { clinic, follower, at, home, found, glanced, expectMended, changed } = ward
afterAll(() => clinic.close())
// What a test broke it has mended: the next one begins with a sound machine.
afterEach(ward.expectSound)

test('hook: missing, not approved, changed since, leading nowhere, for another home', async () => {
  follower.erase('hooks.json')
  await expectMended('hook-missing')
  const config = follower.read('config.toml') ?? ''
  follower.write('config.toml', config.split('[hooks.state')[0] ?? '')
  await expectMended('hook-untrusted')
  follower.write('config.toml', config.replace(/"sha256:[0-9a-f]{8}/, '"sha256:00000000'))
  await expectMended('hook-modified')
  const hooks = follower.read('hooks.json') ?? ''
  follower.write('hooks.json', hooks.replaceAll('stemma-hook.cjs', 'gone/stemma-hook.cjs'))
  expect(await glanced()).toEqual(['hook-moved'])
  follower.write('hooks.json', hooks.replaceAll(process.execPath, '/gone/bin/node'))
  expect(await glanced()).toEqual(['hook-moved'])
  follower.write('hooks.json', hooks.replaceAll(follower.codexHome, '/elsewhere/.codex'))
  await expectMended('hook-moved')
})

test('hook: disabled by the user, hooks switched off, a hooks.json that Codex refuses', async () => {
  await changed(
    home('config.toml'),
    (text) => text.replace('trusted_hash', 'enabled = false\ntrusted_hash'),
    async () => expect(await found()).toEqual(['hook-disabled']),
  )
  await changed(
    home('config.toml'),
    (text) => `${text}\n[features]\nhooks = false\n`,
    async () => expect(await found()).toEqual(['hooks-off']),
  )
  await changed(
    home('hooks.json'),
    () => '{"hooks": 3}',
    async () => expect(await found()).toEqual(['hooks-refused']),
  )
})

test('a config.toml that is no TOML, or that Codex refuses: told without what it says', async () => {
  await changed(
    home('config.toml'),
    (text) => `${text}\ntoken = "sk-canary-1\n`,
    async () => {
      const told = await clinic.visit(follower)
      expect(told.ids).toEqual(['config-refused'])
      expect(told.stdout).not.toContain('canary')
    },
  )
  await changed(
    home('config.toml'),
    (text) => `approval_policy = ["sk-canary-2"]\n${text}`,
    async () => {
      const told = await clinic.glance(follower)
      expect(told.ids).toEqual(['config-refused'])
      expect(told.stdout).not.toContain('canary')
    },
  )
  follower.write('lab.config.toml', 'profile = [')
  expect(await glanced()).toEqual(['config-refused'])
  follower.erase('lab.config.toml')
})

test('a login that can be refreshed here', async () => {
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url')
  const token = `${part({ alg: 'none' })}.${part({ exp: 4_000_000_000 })}.x`
  const login = (refresh: string) =>
    JSON.stringify({ tokens: { id_token: token, access_token: token, refresh_token: refresh } })
  follower.write('auth.json', login(''))
  expect(await glanced()).toEqual([])
  follower.write('auth.json', login('canary-refresh'))
  const told = await clinic.visit(follower)
  expect([told.code, told.ids]).toEqual([0, ['login-refreshes']])
  expect(told.stdout).not.toContain('canary')
  follower.erase('auth.json')
})

test('Codex: missing, of another version, not starting', async () => {
  expect(await found({ PATH: clinic.folder('empty') })).toEqual(['codex-missing'])
  clinic.sayVersion('0.170.1')
  expect(await found()).toEqual(['codex-unknown'])
  clinic.sayVersion('broken')
  expect(await found()).toEqual(['codex-broken'])
  clinic.sayVersion('0.169.3')
})

test('the shim: not on PATH, behind another codex, leading nowhere', async () => {
  expect((await follower.stemma('shim', 'install')).code).toBe(0)
  const file = at('bin', 'codex')
  expect(await found()).toEqual(['shim-shadowed'])
  expect(await glanced({ PATH: `${clinic.path}:${at('bin')}` })).toEqual(['shim-shadowed'])
  const first = { PATH: `${at('bin')}:${clinic.path}` }
  expect(await glanced(first)).toEqual([])
  for (const spoil of [
    () => writeFileSync(file, readFileSync(file, 'utf8').replace(process.execPath, '/gone/node')),
    () => writeFileSync(file, readFileSync(file, 'utf8').replace('stemma-hook.cjs', 'gone.cjs')),
    () => chmodSync(file, 0o600),
  ]) {
    const whole = readFileSync(file)
    spoil()
    expect(await glanced(first)).toEqual(['shim-broken'])
    if ((statSync(file).mode & 0o100) !== 0) writeFileSync(file, whole)
  }
  writeFileSync(file, readFileSync(file, 'utf8').replace('stemma-hook.cjs', 'gone.cjs'))
  const fixed = await clinic.visit(follower, ['--fix'], first)
  expect([fixed.ids, fixed.mended]).toEqual([[], ['shim-broken']])
  expect((await follower.stemma('shim', 'uninstall')).code).toBe(0)
})
