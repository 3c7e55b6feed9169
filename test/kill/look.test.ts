/** Would the looks after a kill tell? What no kill may leave behind is made by hand. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contentOf, generationOf } from './content.ts'
import { loadsUnderWay, unnamed } from './scene.ts'
import {
  approvalEntry,
  canary,
  type Local,
  mine,
  nothingLocal,
  projectEntry,
  running,
  sealedGeneration,
  sealedNames,
  sealedOf,
  toolEntry,
  withMine,
} from './sealed.ts'
import { exposed } from './secrecy.ts'

describe('S37: a file is whole, and of one generation', () => {
  test.each(sealedNames)('%s', (name) => {
    const text = sealedOf(name, 5, 3000)
    expect(sealedGeneration(name, text, nothingLocal())).toBe(5)
    expect(text).toContain(canary)
    for (const broken of [text.slice(0, -20), text.replace(`${canary} 5`, `${canary} 6`).slice(0, -1)])
      expect(() => sealedGeneration(name, broken, nothingLocal())).toThrow()
    expect(() =>
      sealedGeneration(name, sealedOf(name, 6, 3000).replace(/6(?!.*6)/s, '5'), nothingLocal()),
    ).toThrow()
  })

  test('plain text', () => {
    const text = contentOf('rules/a.md', 3, 5000)
    expect(generationOf('rules/a.md', text)).toBe(3)
    for (const broken of [text.slice(1), text.slice(0, -1), `${text.slice(0, 2000)}${text.slice(2100)}`])
      expect(() => generationOf('rules/a.md', broken)).toThrow('not whole')
    expect(() => generationOf('rules/b.md', text)).toThrow('not whole')
  })
})

describe('S43: what is this machine’s own is there, and nothing else', () => {
  const local: Local = { projects: ['/srv/a'], tools: ['t'], mine: true }
  const config = sealedOf('config.toml', 7, 0) + projectEntry('/srv/a') + toolEntry('t')
  const look = (text: string) => sealedGeneration('config.toml', text, local)

  test('config.toml', () => {
    expect(look(config)).toBe(7)
    for (const broken of [
      config.replace(projectEntry('/srv/a'), ''),
      config.replace(toolEntry('t'), ''),
      config + projectEntry('/srv/b'),
      `${config}\n[more]\na = 1\n`,
      config.replace('docs 7', 'docs 8'),
      config.replace('model = "m 7"', ''),
      `${config}[`,
    ])
      expect(() => look(broken)).toThrow()
  })

  const ours = ['SessionStart', 'SessionEnd'] as const
  const hooksWith = (generation: number, events: readonly string[]) => {
    const file = JSON.parse(withMine(sealedOf('hooks.json', generation, 0)))
    for (const event of events)
      file.hooks[event] = [
        ...(file.hooks[event] ?? []),
        { hooks: [{ type: 'command', command: `node /x/stemma-hook.cjs ${event}`, timeout: 3 }] },
      ]
    return JSON.stringify(file)
  }

  test('hooks.json', () => {
    const lookAt = (text: string) => sealedGeneration('hooks.json', text, local)
    expect(lookAt(hooksWith(7, ours))).toBe(7)
    expect(lookAt(hooksWith(7, []))).toBe(7)
    expect(() => lookAt(hooksWith(7, ['SessionStart']))).toThrow('half of our hooks')
    expect(() => lookAt(hooksWith(7, [...ours, 'SessionEnd']))).toThrow('half of our hooks')
    expect(() => lookAt(sealedOf('hooks.json', 7, 0))).toThrow("its user's hook")
    expect(() => lookAt(hooksWith(7, ours).replace(`${canary} 7`, `${canary} 8`))).toThrow('no generation')
  })

  test('S50: what Codex would run goes by place and by hash', () => {
    const hooks = hooksWith(7, ours)
    const [start, end] = ours.map((event) => `node /x/stemma-hook.cjs ${event}`)
    const approvals = [start, end, mine].map((command) =>
      approvalEntry('/h/hooks.json', hooks, command ?? ''),
    )
    const run = (file: string, text: string, config: string) => running(file, text, config).sort()
    expect(run('/h/hooks.json', hooks, approvals.join(''))).toEqual([mine, end, start].sort())
    expect(run('/other/hooks.json', hooks, approvals.join(''))).toEqual([])
    expect(run('/h/hooks.json', hooks, approvals.slice(1).join(''))).toEqual([mine, end].sort())
    // The hooks of the next generation stand elsewhere.
    expect(run('/h/hooks.json', hooksWith(8, ours), approvals.join(''))).toEqual([end])
    expect(
      run('/h/hooks.json', hooks.replace('"timeout":3', '"timeout":4'), approvals.join('')),
    ).toHaveLength(2)
  })
})

describe('S9: a secret is told wherever it lies', () => {
  let root: string
  const homes = () => ({ stemmaHome: join(root, '.stemma'), codexHome: join(root, '.codex') })
  const put = (path: string, text: string, mode = 0o600) => {
    const file = join(root, path)
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
    writeFileSync(file, text)
    chmodSync(file, mode)
  }
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'stemma-look-'))
    for (const path of ['.codex/.env', '.codex/.stemma-stage/tx/0', '.stemma/backups/.tmp-a1'])
      put(path, canary)
    put('.codex/AGENTS.md', 'plain', 0o644)
    put('.stemma/apply/journal.json', '{"path":"config.toml"}')
    put('.stemma/log/1.seg', 'log')
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  test('what lies well is no finding', () => expect(exposed(homes(), new Set())).toEqual([]))

  test.each([
    ['a file of the home', '.codex/.env', 0o640],
    ['a staged file', '.codex/.stemma-stage/tx/0', 0o604],
    ['a backup that is being written', '.stemma/backups/.tmp-a1', 0o644],
    ['a journal', '.stemma/apply/journal.json', 0o644],
  ])('that others can read: %s', (_, path, mode) => {
    chmodSync(join(root, path), mode)
    expect(exposed(homes(), new Set())).toEqual([
      `${join(root, path)} can be read by others: ${mode.toString(8)}`,
    ])
  })

  test.each([
    '.stemma/apply/composed',
    `.stemma/blobs/${'0'.repeat(64)}`,
    '.stemma/blobs/tmp-x',
    '.stemma/log/2.seg',
  ])('in plain text out of the home: %s', (path) => {
    put(path, `so ${canary}`)
    expect(exposed(homes(), new Set())).toEqual([`${join(root, path)} holds a secret in plain text`])
  })

  test('what an apply carries is read from its journal; a ciphertext is named by its wraps', () => {
    expect([...loadsUnderWay(homes().stemmaHome)]).toEqual(['config'])
    const [wraps, ciphertext, lost] = ['1', '2', '3'].map((digit) => digit.repeat(64))
    for (const name of [wraps, ciphertext, lost]) put(`.stemma/blobs/${name}`, 'x')
    writeFileSync(join(root, `.stemma/blobs/${wraps}`), Buffer.from(`00${ciphertext}00`, 'hex'))
    writeFileSync(join(root, '.stemma/log/1.seg'), Buffer.from(`00${wraps}00`, 'hex'))
    expect(unnamed(homes().stemmaHome)).toEqual([lost])
  })
})
