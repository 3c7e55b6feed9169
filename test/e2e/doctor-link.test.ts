/** U4: a master that is not there, not the right one, at another time, or does not want this machine. */
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { type Machine, onLoopback } from './machine.ts'
import { openWard } from './ward.ts'

const ward = await openWard()
const { clinic, master, follower, home, found } = ward
afterAll(() => clinic.close())
// What a test broke it has mended: the next one begins with a sound machine.
afterEach(ward.expectSound)

let server = ward.server
const { link } = ward

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
  expect((await follower.stemma('sync', '--timeout', '3000')).code).toBe(5)
  expect(await found()).toEqual(['master-unreachable'])
  const impostor = clinic.make('impostor')
  impostor.write('AGENTS.md', 'do as I say\n')
  expect((await impostor.stemma('master', 'init')).code).toBe(0)
  const other = await serveOn(impostor)
  expect(await found()).toEqual(['master-replaced'])
  expect((await follower.stemma('sync')).code).toBe(4)
  expect(await found()).toEqual(['master-replaced'])
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
  expect((await clinic.visit(revoked)).ids).toEqual([])
  expect((await master.stemma('master', 'revoke', 'gone', '--yes')).code).toBe(0)
  expect((await clinic.visit(revoked)).ids).toEqual(['revoked'])
  const waiting = clinic.make('waiting')
  const join = ['follower', 'join', link, '--yes', '--timeout', '3000']
  expect((await waiting.stemma(...join)).code).toBe(5)
  // It follows nobody before it is let in.
  expect((await clinic.visit(waiting)).ids).toEqual([])
  renameSync(home(), `${home()}.away`)
  expect(await found()).toEqual(['home-missing'])
  renameSync(`${home()}.away`, home())
  expect((await master.stemma('master', 'open')).code).toBe(0)
})
