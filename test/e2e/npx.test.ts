/** S54: what stemma writes while npx runs it works when npx has cleaned its cache. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { plantCache } from '../cli/service/npx.ts'
import { builtFile, type Machine, makeMachine, onLoopback } from './machine.ts'
import { until } from './patience.ts'

let root: string
let master: Machine
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stemma it's npx "))
  master = makeMachine('master')
})
afterEach(async () => {
  await master.remove()
  rmSync(root, { recursive: true, force: true })
})

const cache = () => join(root, '.npm/_npx/0a1b/node_modules')
const app = () => join(root, '.stemma/app')
const env = () => ({ HOME: root, PATH: '/usr/bin:/bin', NO_COLOR: '1' })
const stemma = (script: string, ...words: string[]) =>
  spawnSync(process.execPath, [script, ...words], { env: env(), encoding: 'utf8' })
const well = (script: string, ...words: string[]) => {
  const { status, stdout, stderr } = stemma(script, ...words)
  expect(status, `${words.join(' ')}: ${stderr}${stdout}`).toBe(0)
  return stdout
}
const hooks = (): Record<string, { hooks: { command: string }[] }[]> =>
  JSON.parse(readFileSync(join(root, '.codex/hooks.json'), 'utf8')).hooks
const instructions = () => readFileSync(join(root, '.codex/AGENTS.md'), 'utf8')
const publish = async (text: string) => {
  master.write('AGENTS.md', text)
  expect((await master.stemma('master', 'rebuild')).code).toBe(0)
}

async function joined(): Promise<string> {
  mkdirSync(join(root, '.codex'), { mode: 0o700 })
  const cached = plantCache(cache(), dirname(dirname(builtFile('cli', 'main.js'))))
  master.write('AGENTS.md', 'one\n')
  expect((await master.stemma('master', 'init')).code).toBe(0)
  await master.serve(...onLoopback)
  const link = String((await master.stemma('master', 'link', '--json')).json()['link'])
  expect(well(cached, 'follower', 'join', link, '--yes')).toContain(`stemma was copied to ${app()}, since`)
  return cached
}

test.skipIf(process.platform === 'win32')('S54: the hook and the shim outlive the cache', async () => {
  const cached = await joined()
  const kept = join(app(), 'node_modules/stemma/dist/cli/stemma.cjs')
  expect(well(cached, 'shim', 'install')).not.toContain('copied')
  expect(JSON.stringify(hooks())).not.toContain('_npx')
  rmSync(join(root, '.npm'), { recursive: true })

  await publish('two\n')
  const [start] = hooks()['SessionStart'] ?? []
  const said = spawnSync('/bin/sh', ['-c', start?.hooks[0]?.command ?? ''], { env: env(), encoding: 'utf8' })
  expect([said.status, said.stdout, said.stderr]).toEqual([0, '', ''])
  await until('the hook has brought it', () => instructions() === 'two\n')

  await publish('three\n')
  const codex = join(root, 'bin/codex')
  mkdirSync(dirname(codex))
  writeFileSync(codex, '#!/bin/sh\necho codex\n')
  chmodSync(codex, 0o755)
  const shim = join(root, '.stemma/bin/codex')
  const ran = spawnSync(shim, [], {
    env: { ...env(), PATH: `${dirname(shim)}:${dirname(codex)}:/usr/bin:/bin` },
    encoding: 'utf8',
  })
  expect([ran.stdout, instructions()]).toEqual(['codex\n', 'three\n'])

  // It goes with the last of those that start out of it.
  well(kept, 'hook', 'uninstall')
  expect(existsSync(kept)).toBe(true)
  well(kept, 'shim', 'uninstall')
  expect(existsSync(app())).toBe(false)
})

test.skipIf(process.platform === 'win32')(
  'S54: one that is asked for anew brings its version along, and a copy that is gone comes back',
  async () => {
    const cached = await joined()
    const manifest = (modules: string) => join(modules, 'stemma/package.json')
    const version = () => JSON.parse(readFileSync(manifest(join(app(), 'node_modules')), 'utf8')).version
    const first = version()
    writeFileSync(manifest(cache()), '{ "type": "module", "version": "newer" }')
    well(cached, 'sync')
    expect(version()).toBe(first)
    well(cached, 'hook', 'install')
    expect(version()).toBe('newer')

    rmSync(app(), { recursive: true })
    const found = stemma(cached, 'doctor', '--json', '--fix')
    expect(JSON.parse(found.stdout).mended, found.stdout).toMatchObject([{ id: 'hook-moved' }])
    expect(version()).toBe('newer')
    // One that is installed for good takes its place.
    well(builtFile('cli', 'main.js'), 'hook', 'install')
    expect(existsSync(app())).toBe(false)
    well(cached, 'sync')
    expect(version()).toBe('newer')
    well(cached, 'follower', 'leave')
    expect(existsSync(app())).toBe(false)
  },
)
