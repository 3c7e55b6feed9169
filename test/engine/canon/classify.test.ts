/** What of a Codex home travels: the table, path by path. */
import { describe, expect, test } from 'vitest'
import { classify, mayContain } from '../../../engine/canon/classify.ts'
import { defaultSelection, type Selection } from '../../../engine/canon/selection.ts'

const kindOf = (path: string, selection: Partial<Selection> = {}) =>
  classify(path, { ...defaultSelection, ...selection }).kind

describe('S28: included', () => {
  test.each([
    'AGENTS.md',
    'AGENTS.override.md',
    'RTK.md',
    'hooks/sync.sh',
    'prompts/review.md',
    'rules/default.rules',
    'skills/pdf/SKILL.md',
    'skills/pdf/scripts/run.py',
    'skill-libraries/shared/a/SKILL.md',
  ])('%s', (path) => expect(kindOf(path)).toBe('plain'))

  test('S31: rules match whole paths, so a skill may be named like an excluded folder', () => {
    for (const name of ['cache', 'history', 'log', 'sessions', 'tmp', 'plugins', 'packages', 'auth.json'])
      expect(kindOf(`skills/${name}/SKILL.md`), name).toBe('plain')
    for (const name of [
      'history.jsonl',
      'state.sqlite',
      'config.toml',
      'hooks.json',
      'a.lock',
      'version.json',
    ])
      expect(kindOf(`skills/x/${name}`), name).toBe('plain')
  })
})

describe('S29: secret', () => {
  test.each([
    'auth.json',
    '.env',
    'gateway_oauth.json',
    'config.toml',
    'work.config.toml',
    'hooks.json',
    'mise.toml',
    'AUTH.JSON',
    'Config.TOML',
    'skills/x/.env',
    'skills/x/auth.json',
  ])('%s is sealed', (path) => {
    expect(kindOf(path)).toBe('sealed')
    expect(kindOf(path, { include: [path] })).toBe('sealed')
    expect(kindOf(path, { exclude: [path] })).toBe('excluded')
  })

  test('.credentials.json only when asked for', () => {
    expect(kindOf('.credentials.json')).toBe('asked-only')
    expect(kindOf('.credentials.json', { include: ['.credentials.json'] })).toBe('sealed')
  })
})

describe('S30: excluded, and no include rule changes it', () => {
  test.each([
    'sessions/2026/01/02/rollout-1.jsonl',
    'archived_sessions/a.jsonl',
    'history.jsonl',
    'log/codex-tui.log',
    'cache/x',
    'tmp/arg0/x',
    '.tmp/plugins.sync.lock',
    'shell_snapshots/a.sh',
    'state_5.sqlite',
    'logs_2.sqlite-wal',
    'memories_1.sqlite-shm',
    'packages/x/codex',
    'plugins/cache/x',
    'app-server-daemon/pid',
    'app-server-control/s.sock',
    'auth.lock',
    'auth.json.lock',
    'auth.json.bak',
    'config.toml~',
    'work.config.toml.orig',
    '.env.local',
    'mcp-oauth-locks/a',
    'thread-writer-locks/a',
    'installation_id',
    'models_cache.json',
    'version.json',
    'multi-auth/a.json',
    'accounts/registry.json',
    'skills/.system/imagegen/SKILL.md',
    'Skills/.System/x',
    '.stemma-stage/x',
    '.stemma/keys/log.key',
    '.git/config',
    'notes.db',
  ])('%s', (path) => {
    const folder = `${path.split('/').slice(0, -1).join('/')}/`
    for (const include of [[], [path], [folder === '/' ? path : folder]])
      expect(['runtime', 'machine'], path).toContain(kindOf(path, { include }))
  })

  test('memories/ are opt-in', () => {
    expect(kindOf('memories/notes.md')).toBe('opt-in')
    expect(kindOf('memories/notes.md', { include: ['memories/'] })).toBe('plain')
    expect(kindOf('memories/x.sqlite', { include: ['memories/'] })).toBe('runtime')
  })

  test('what editors and tools leave behind stays, unless it is named itself', () => {
    for (const path of [
      'skills/x/.DS_Store',
      'skills/x/SKILL.md~',
      'skills/x/.SKILL.md.swp',
      'skills/x/.#SKILL.md',
      'skills/x/.git/config',
      'skills/x/.git',
      'skills/x/__pycache__/run.cpython-312.pyc',
    ])
      expect(kindOf(path, { include: ['skills/'] }), path).toBe('runtime')
    expect(kindOf('skills/x/a~', { include: ['skills/x/a~'] })).toBe('plain')
  })
})

describe('S32: the selection', () => {
  test('S31: an unlisted path does not travel until it is included', () => {
    expect(kindOf('notes/a.md')).toBe('unlisted')
    expect(kindOf('skills')).toBe('unlisted')
    expect(kindOf('agents.md')).toBe('unlisted')
    expect(kindOf('notes/a.md', { include: ['notes/'] })).toBe('plain')
    expect(kindOf('notes/a.md', { include: ['notes/a.md'] })).toBe('plain')
    expect(kindOf('notes/ab.md', { include: ['notes/a'] })).toBe('unlisted')
  })
  test('exclude wins over include', () => {
    const selection = { include: ['notes/'], exclude: ['notes/private/', 'skills/x/'] }
    expect(kindOf('notes/private/a', selection)).toBe('excluded')
    expect(kindOf('skills/x/SKILL.md', selection)).toBe('excluded')
    expect(kindOf('skills/xy/SKILL.md', selection)).toBe('plain')
  })
})

describe('mayContain: what a scan never walks', () => {
  const may = (folder: string, selection: Partial<Selection> = {}) =>
    mayContain(folder, { ...defaultSelection, ...selection })
  test('runtime folders, whatever the rules say', () => {
    for (const folder of ['sessions', 'packages', 'log', '.tmp', 'skills/.system', 'skills/x/.git', '.git'])
      expect(may(folder, { include: [`${folder}/`] }), folder).toBe(false)
  })
  test('canonical folders, and the way to what is included', () => {
    for (const folder of [
      '',
      'skills',
      'skills/cache',
      'skills/auth.json',
      'skill-libraries/a/b',
      'hooks',
      'rules',
      'prompts',
    ])
      expect(may(folder), folder).toBe(true)
    expect(may('notes')).toBe(false)
    expect(may('memories')).toBe(false)
    expect(may('notes', { include: ['notes/deep/a.md'] })).toBe(true)
    expect(may('notes/deep', { include: ['notes/deep/a.md'] })).toBe(true)
    expect(may('notes/other', { include: ['notes/deep/a.md'] })).toBe(false)
    expect(may('notes/other', { include: ['notes/'] })).toBe(true)
    expect(may('skills/x', { exclude: ['skills/x/'] })).toBe(false)
  })
})
