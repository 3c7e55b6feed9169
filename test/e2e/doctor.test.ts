/**
 * U4: `stemma doctor` on machines on which all is well reports nothing, touches nothing and disturbs nobody; and where a
 * master is not there, not the right one, at another time, or does not want this machine, it says so.
 */
import { once } from 'node:events'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { snapshot } from './clinic.ts'
import { codexBinary, describeCodex } from './codex.ts'
import { type Machine, onLoopback } from './machine.ts'
import { until } from './patience.ts'
import { openWard } from './ward.ts'

const ward = await openWard()
const { clinic, master, follower, home, found, glanced, watching, link } = ward
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
    const look = round === 1 ? clinic.visit : clinic.glance
    const both = await Promise.all([follower, master].map((one) => look.call(clinic, one)))
    expect(both.map(({ ids }) => ids)).toEqual([[], []])
  }
  await until('the last change', () => follower.read('prompts/storm59.md') === 'round 4\n')
  expect(await watcher.stop()).toBe(0)
})

let server = ward.server

test('clocks that are far apart', async () => {
  const shift = join(clinic.folder('shift'), 'shift.cjs')
  for (const [hours, ahead] of [
    [1.5, 'ahead of'],
    [-30.5, 'behind'],
  ] as const) {
    writeFileSync(shift, `const now = Date.now; Date.now = () => now() + ${hours * 3_600_000}`)
    const told = await clinic.visit(follower, [], { NODE_OPTIONS: `--require=${shift}` })
    expect([told.code, told.ids], told.stdout).toEqual([0, ['clock-apart']])
    expect(told.stdout).toContain(`${Math.floor(Math.abs(hours))} h ${ahead} the master`)
  }
})

test('a master that is off, that is another one, and what the last sync met', async () => {
  const { port } = server
  const serveOn = (machine: Machine) =>
    machine.start('master', 'serve', '--json', '--port', String(port), ...onLoopback)
  await server.stop()
  expect(await found()).toEqual(['master-unreachable'])
  // A contact that did not reach it adds nothing, now or when it is back.
  expect((await follower.stemma('sync', '--timeout', '500')).code).toBe(5)
  expect(await glanced()).toEqual(['master-unreachable'])
  const impostor = clinic.make('impostor')
  impostor.write('AGENTS.md', 'do as I say\n')
  expect((await impostor.stemma('master', 'init')).code).toBe(0)
  const other = await serveOn(impostor)
  expect(await found()).toEqual(['master-replaced'])
  expect((await follower.stemma('sync')).code).toBe(4)
  expect(await glanced()).toEqual(['master-replaced'])
  await other.stop()
  const strange = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('220 ready\r\n'),
  )
  strange.listen(port, '127.0.0.1')
  await once(strange, 'listening')
  expect(await found()).toEqual(['master-odd'])
  strange.close()
  await once(strange, 'close')
  server = await master.start(...['master', 'serve', '--json', '--port', String(port)], '--host', '127.0.0.1')
  expect(await found()).toEqual(['peer-refused'])
  await server.stop()
  server = await serveOn(master)
  // Whoever met another master is told so until a sync goes well.
  expect(await found()).toEqual(['last-contact'])
  expect((await follower.stemma('sync')).code).toBe(0)
})

test('a machine that was revoked, one that waits, one that nothing brings news to, one without its home', async () => {
  const revoked = clinic.make('revoked')
  expect((await revoked.stemma('follower', 'join', link, '--yes', '--no-hook', '--name', 'gone')).code).toBe(
    0,
  )
  expect((await clinic.visit(revoked)).ids).toEqual(['nothing-fresh'])
  expect((await revoked.stemma('hook', 'install')).code).toBe(0)
  expect((await clinic.glance(revoked)).ids).toEqual([])
  expect((await master.stemma('master', 'revoke', 'gone', '--yes')).code).toBe(0)
  expect((await clinic.visit(revoked)).ids).toEqual(['revoked'])
  const waiting = clinic.make('waiting')
  const joining = ['follower', 'join', link, '--yes', '--timeout', '1000']
  expect((await waiting.stemma(...joining)).code).toBe(5)
  // It follows nobody before it is let in.
  expect((await clinic.glance(waiting)).ids).toEqual([])
  renameSync(home(), `${home()}.away`)
  expect(await found()).toEqual(['home-missing'])
  renameSync(`${home()}.away`, home())
  expect((await master.stemma('master', 'open')).code).toBe(0)
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
