/** Settings files: every default, every refusal names file and key, and what is saved is loaded again. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemIds as ids } from '../../../engine/env/system.ts'
import { loadLocal, loadSettings, saveLocal, saveSettings } from '../../../engine/settings/file.ts'
import { findHomes } from '../../../engine/settings/homes.ts'
import { defaultPort, selectionRulesMax, settingsBytesMax } from '../../../schemas/limits.ts'
import type { Local } from '../../../schemas/settings.ts'

const disk = await openDisk()
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stemma-settings-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const write = (file: string, text: string | Buffer) => writeFileSync(join(home, file), text)

describe('settings.toml', () => {
  test('S15, S16, S32: without a file everything has its default', async () => {
    expect(await loadSettings(disk, home)).toEqual({
      selection: { include: [], exclude: [], links: [] },
      link: { host: ['0.0.0.0', '::'], port: defaultPort, allow: [], deny: [], approve: false },
      upstream: { chatgpt: 'https://chatgpt.com/backend-api', issuer: 'https://auth.openai.com' },
    })
  })

  test('what is given counts, the rest keeps its default', async () => {
    write(
      'settings.toml',
      `name = "tower"
       [selection]
       include = ["memories/"]
       links = [{ path = "skills/shared", target = "/srv/skills" }]
       [link]
       port = 0
       allow = ["192.168.0.0/16", "fd00::/8"]
       approve = true
      `,
    )
    const settings = await loadSettings(disk, home)
    expect(settings.name).toBe('tower')
    expect(settings.selection).toEqual({
      include: ['memories/'],
      exclude: [],
      links: [{ path: 'skills/shared', target: '/srv/skills' }],
    })
    expect(settings.link).toMatchObject({ port: 0, approve: true, host: ['0.0.0.0', '::'] })
  })

  test.each([
    ['an unknown key', 'colour = "red"', 'has a key that this version does not know: colour'],
    ['an unknown key below', '[link]\nprot = 1', 'has a key that this version does not know: link.prot'],
    [
      'a key that every object has',
      'constructor = 1',
      'has a key that this version does not know: constructor',
    ],
    ['a poisoned key', '__proto__ = { port = 1 }', 'has a key that this version does not know: __proto__'],
    ['a wrong type', '[link]\nport = "17342"', 'The key link.port in FILE is wrong: expected a port'],
    ['a wrong port', '[link]\nport = 70000', 'The key link.port in FILE is wrong: expected a port'],
    [
      'a path that steps out',
      '[selection]\ninclude = ["../x"]',
      'The key selection.include.0 in FILE is wrong',
    ],
    [
      'a rule for what never travels',
      '[selection]\ninclude = ["sessions/"]',
      'The key selection.include in FILE is wrong: sessions/ never travels: transcripts of sessions.',
    ],
    [
      'wildcards',
      '[selection]\nexclude = ["skills/*"]',
      'The key selection.exclude.0 in FILE is wrong: expected a path from the home',
    ],
    [
      'too many rules',
      `[selection]\ninclude = [${'"a/",'.repeat(selectionRulesMax + 1)}]`,
      'The key selection.include in FILE is wrong: expected at most',
    ],
    ['a name of two lines', 'name = "a\\nb"', 'The key name in FILE is wrong'],
    ['a range with words', '[link]\nallow = ["everybody"]', 'The key link.allow.0 in FILE is wrong'],
    [
      'an address that is no web address',
      '[upstream]\nissuer = "file:///x"',
      'The key upstream.issuer in FILE',
    ],
    [
      'a link without target',
      '[[selection.links]]\npath = "a"',
      'FILE lacks the key selection.links.0.target',
    ],
    ['no TOML', 'name = "a"\n[link\nport = 1', 'Line 2 of FILE is not TOML'],
    ['a key given twice', 'name = "a"\nname = "b"', 'Line 2 of FILE is not TOML'],
  ])('%s is refused with file and key', async (_, text, message) => {
    write('settings.toml', text)
    await expect(loadSettings(disk, home)).rejects.toMatchObject({
      code: 'bad-settings',
      message: expect.stringContaining(message.replace('FILE', join(home, 'settings.toml'))),
    })
  })

  test('bytes that are no text, and a file without end, are refused', async () => {
    write('settings.toml', Buffer.from([0x6e, 0xff, 0xfe]))
    await expect(loadSettings(disk, home)).rejects.toMatchObject({ code: 'bad-settings' })
    write('settings.toml', '#'.repeat(settingsBytesMax + 1))
    await expect(loadSettings(disk, home)).rejects.toMatchObject({ code: 'too-many' })
  })

  test('saved: just what was given, 0600, and nothing that would be refused', async () => {
    await saveSettings(disk, ids, home, { name: 'tower', link: { port: 1 } })
    expect(readFileSync(join(home, 'settings.toml'), 'utf8')).not.toContain('upstream')
    expect((await loadSettings(disk, home)).link.port).toBe(1)
    if (!disk.windows) expect(statSync(join(home, 'settings.toml')).mode & 0o777).toBe(0o600)
    await expect(saveSettings(disk, ids, home, { link: { port: -1 } })).rejects.toMatchObject({
      code: 'bad-settings',
    })
  })
})

describe('local.toml', () => {
  const follower: Local = {
    role: 'follower',
    master: 'wss://100.64.0.1:17342',
    fingerprint: 'ab'.repeat(32) as Extract<Local, { role: 'follower' }>['fingerprint'],
    log: '0f'.repeat(16),
  }

  test('nothing there: neither master nor follower yet', async () => {
    expect(await loadLocal(disk, home)).toBeNull()
  })

  test.each<Local>([
    { role: 'master' },
    { role: 'master', home: '/a b/"c"' },
    follower,
    { ...follower, home: 'D:\\é' },
    { ...follower, master: 'wss://[fd7a:115c:a1e0::1]:443' },
  ])('what is saved is loaded again: %j', async (local) => {
    await saveLocal(disk, ids, home, local)
    expect(await loadLocal(disk, home)).toEqual(local)
    // An older file's wider permissions do not survive.
    if (!disk.windows) {
      chmodSync(join(home, 'local.toml'), 0o644)
      await saveLocal(disk, ids, home, local)
      expect(statSync(join(home, 'local.toml')).mode & 0o777).toBe(0o600)
    }
  })

  test.each([
    ['no role', 'name = "x"', 'The key role in FILE is wrong'],
    ['an emptied file', '', 'The key role in FILE is wrong'],
    ['no TOML', 'role = follower', 'Line 1 of FILE is not TOML'],
    ['bytes that are no text', Buffer.from([0xff]), 'FILE is not UTF-8 text'],
    [
      'a role there is not',
      'role = "boss"',
      'The key role in FILE is wrong: expected role = "master" or role',
    ],
    ['a follower without pin', 'role = "follower"\nmaster = "wss://h:1"', 'FILE lacks the key fingerprint'],
    ['a master with a pin', 'role = "master"\nfingerprint = "x"', 'does not know: fingerprint'],
    ['a home that is not absolute', 'role = "master"\nhome = "~/.codex"', 'The key home in FILE is wrong'],
    ['plain ws', 'role = "follower"\nmaster = "ws://h:1"\nfingerprint = "x"', 'The key master in FILE'],
  ])('%s is refused', async (_, text, message) => {
    write('local.toml', text)
    await expect(loadLocal(disk, home)).rejects.toMatchObject({
      code: 'bad-local',
      message: expect.stringContaining(message.replace('FILE', join(home, 'local.toml'))),
    })
  })
})

describe('homes', () => {
  test.each([
    [{}, '/home/u/.stemma', '/home/u/.codex'],
    [{ STEMMA_HOME: '', CODEX_HOME: '' }, '/home/u/.stemma', '/home/u/.codex'],
    [{ STEMMA_HOME: '/a/s', CODEX_HOME: '/a/c' }, '/a/s', '/a/c'],
    [{ STEMMA_HOME: 's', CODEX_HOME: '../c/' }, '/work/here/s', '/work/c'],
    [{ STEMMA_HOME: '/a/codex-stemma', CODEX_HOME: '/a/codex' }, '/a/codex-stemma', '/a/codex'],
  ])('%j', (env, stemmaHome, codexHome) => {
    expect(findHomes(env, '/home/u', '/work/here')).toEqual({ stemmaHome, codexHome })
  })

  test.each([
    { STEMMA_HOME: '/a', CODEX_HOME: '/a' },
    { STEMMA_HOME: '/a/skills/s', CODEX_HOME: '/a' },
    { STEMMA_HOME: '/a', CODEX_HOME: '/a/c' },
    { STEMMA_HOME: '/home/u' },
    { CODEX_HOME: '/home/u/.stemma/../.stemma/x' },
  ])('one in the other is refused: %j', (env) => {
    expect(() => findHomes(env, '/home/u', '/')).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})
