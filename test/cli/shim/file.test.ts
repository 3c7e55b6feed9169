/** `shim install` and `uninstall`, as a process. What the shim does is in `script.test.ts`. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bundle, type Compiled } from '../../compiled.ts'

describe.skipIf(process.platform === 'win32')('the file of the shim', () => {
  let compiled: Compiled
  let root: string
  beforeAll(async () => {
    compiled = await bundle('cli/main.ts')
  })
  afterAll(() => compiled.remove())
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "stemma it's a "))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const bin = () => join(root, '.stemma', 'bin')
  const file = () => join(bin(), 'codex')
  const shim = (verb: string, more: { path?: string; json?: boolean } = {}) => {
    const { json = true, path = '/usr/bin:/bin' } = more
    const words = [compiled.at('cli/main.ts'), 'shim', verb, ...(json ? ['--json'] : [])]
    const ended = spawnSync(process.execPath, words, { env: { HOME: root, PATH: path }, encoding: 'utf8' })
    return { ...ended, told: json ? JSON.parse(ended.stdout) : null }
  }

  test('it is written once, for its owner, and goes again with its folder', () => {
    expect(shim('install').told).toEqual({ file: file(), folder: bin(), changed: true, first: false })
    expect(statSync(file()).mode & 0o777).toBe(0o700)
    expect(spawnSync('/bin/sh', ['-n', file()]).status).toBe(0)
    const { mtimeMs } = statSync(file())
    expect(shim('install', { path: `${bin()}${delimiter}/bin` }).told).toMatchObject({
      changed: false,
      first: true,
    })
    expect(statSync(file()).mtimeMs).toBe(mtimeMs)
    expect(shim('uninstall').told).toEqual({ file: file(), removed: true })
    expect(existsSync(bin())).toBe(false)
    expect(shim('uninstall').told).toEqual({ file: file(), removed: false })
  })

  test('an older one of ours is replaced', () => {
    mkdirSync(bin(), { recursive: true })
    writeFileSync(file(), '#!/bin/sh\n# stemma shim\necho old\n')
    chmodSync(file(), 0o755)
    expect(shim('install').told.changed).toBe(true)
    expect(readFileSync(file(), 'utf8')).not.toContain('old')
  })

  test('what is not ours is neither replaced nor removed', () => {
    mkdirSync(bin(), { recursive: true })
    const mine = '#!/bin/sh\necho mine\n'
    writeFileSync(file(), mine)
    for (const verb of ['install', 'uninstall']) {
      const { status, told } = shim(verb)
      expect([status, told.error.code]).toEqual([1, 'not-ours'])
    }
    expect(readFileSync(file(), 'utf8')).toBe(mine)
    rmSync(file())
    writeFileSync(join(root, 'real'), '#!/bin/sh\n# stemma shim\n')
    symlinkSync(join(root, 'real'), file())
    expect(shim('install').told.error.code).toBe('not-ours')
    expect(shim('uninstall').told.error.code).toBe('not-ours')
    writeFileSync(join(bin(), 'other'), '')
    rmSync(file())
    shim('install')
    shim('uninstall')
    expect(existsSync(join(bin(), 'other'))).toBe(true)
  })

  test('it says how to put it first, in words that a shell takes', () => {
    const { stdout } = shim('install', { json: false })
    const line = stdout.split('\n').find((one) => one.trim().startsWith('export')) ?? ''
    const { stdout: path } = spawnSync('/bin/sh', ['-c', `${line}; printf %s "$PATH"`], {
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    })
    expect(path).toBe(`${bin()}:/usr/bin:/bin`)
  })
})
