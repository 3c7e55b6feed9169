/** U4: `stemma doctor` on machines on which all is well reports nothing, touches nothing and disturbs nobody. */
import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { snapshot } from './clinic.ts'
import { codexBinary, describeCodex } from './codex.ts'
import { until } from './patience.ts'
import { openWard } from './ward.ts'

const ward = await openWard()
const { clinic, master, follower, found, watching } = ward
afterAll(() => clinic.close())
// What a test broke it has mended: the next one begins with a sound machine.
afterEach(ward.expectSound)

test('is sound, in words and as JSON; nothing was touched', async () => {
  const before = [snapshot(follower.stemmaHome), snapshot(follower.codexHome)]
  const said = await clinic.call(follower, [])
  expect([said.code, said.stdout, said.stderr]).toEqual([0, 'This follower is sound.\n', ''])
  const told = await clinic.visit(follower, ['--fix'])
  expect(JSON.parse(told.stdout)).toEqual({
    ...{ role: 'follower', sound: true, faults: 0, warnings: 0 },
    ...{ findings: [], mended: [], unmended: [] },
  })
  expect([snapshot(follower.stemmaHome), snapshot(follower.codexHome)]).toEqual(before)
})

test('with a sound watcher: nothing is reported, and it goes on', async () => {
  const watcher = await watching()
  expect(await found()).toEqual([])
  const { seq } = (await master.stemma('status', '--json')).json()
  master.write('AGENTS.md', 'second\n')
  await watcher.event('applied', (said) => Number(said['seq']) > Number(seq))
  expect(follower.read('AGENTS.md')).toBe('second\n')
  expect(await watcher.stop()).toBe(0)
})

test('in the middle of a storm of changes nothing is taken for a fault', async () => {
  const watcher = await watching()
  for (let round = 1; round <= 4; round++) {
    for (let at = 0; at < 60; at++) master.write(`prompts/storm${at}.md`, `round ${round}\n`)
    const [mine, theirs] = await Promise.all([found(), clinic.visit(master)])
    expect([mine, theirs.ids]).toEqual([[], []])
  }
  await until('the last change', () => follower.read('prompts/storm59.md') === 'round 4\n')
  expect(await watcher.stop()).toBe(0)
})

describeCodex('the real Codex', () => {
  test('says its version, and leaves nothing in the home', async () => {
    const nobody = clinic.make('codex')
    const before = snapshot(nobody.codexHome)
    const { ids } = await clinic.visit(nobody, [], { PATH: dirname(codexBinary()) })
    expect([ids, snapshot(nobody.codexHome)]).toEqual([[], before])
  })
})

describe('a machine that is neither', () => {
  test('is sound where Codex is; says what is missing where it is not', async () => {
    const nobody = clinic.make('nobody')
    const said = await clinic.call(nobody, [])
    expect([said.code, said.stdout]).toEqual([
      0,
      'This machine, which is neither master nor follower yet, is sound.\n',
    ])
    expect(existsSync(nobody.stemmaHome)).toBe(false)
    nobody.write('config.toml', 'model = 1\n')
    expect((await clinic.visit(nobody)).ids).toEqual(['config-refused'])
    rmSync(nobody.codexHome, { recursive: true })
    const bare = await clinic.visit(nobody, ['--fix'], { PATH: clinic.folder('bare') })
    expect([bare.code, bare.ids]).toEqual([0, ['home-missing', 'codex-missing']])
  })

  test('what is found is said on a line, and what it means and what to do below it', async () => {
    const nobody = clinic.make('spoken')
    nobody.write('config.toml', 'model = 1\n')
    const { stdout, code } = await clinic.call(nobody, [])
    expect(code).toBe(1)
    const [first = '', ...below] = stdout.split('\n')
    expect(first).toBe('fault  Codex does not start with this config.toml.')
    expect(below.slice(0, 2).every((line) => line.startsWith('  '))).toBe(true)
  })
})
