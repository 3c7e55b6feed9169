/** Sessions with a master that is off, hung, another one, or out of reach, and with a full disk (S51). */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hookConnectMs, hookSyncMs } from '../../schemas/limits.ts'
import { codexEnv, describeCodex } from './codex.ts'
import { type Machine, makeMachine, onLoopback } from './machine.ts'
import { layCable, namespacesMissing } from './netns.ts'
import { makePair, type Pair } from './pair.ts'
import { until } from './patience.ts'

/** Far above what node takes to start on a busy machine. */
const slackMs = 3_000

/** Runs the command of the hook as Codex does, and tells how long it took. It says nothing, and ends well. */
function runHook(follower: Machine, event: string, inside: readonly string[] = []): number {
  const { hooks } = JSON.parse(follower.read('hooks.json') ?? '{}')
  const command = String(hooks[event].at(-1).hooks[0].command)
  const [file = '', ...args] = [...inside, '/bin/sh', '-c', command]
  const startMs = performance.now()
  const input = JSON.stringify({ session_id: '01a1f877-6c21-7c73-a4c7-eebdfd22bf21', hook_event_name: event })
  const { status, stdout, stderr } = spawnSync(file, args, { env: codexEnv(follower.codexHome), input })
  expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
  return performance.now() - startMs
}
/** The quickest of three: what it costs when nobody else is at work. */
const soon = (follower: Machine, inside: readonly string[] = []) =>
  Math.min(...[1, 2, 3].map(() => runHook(follower, 'SessionStart', inside)))

describeCodex('a session of the real Codex', () => {
  let pair: Pair
  const closing: (() => void | Promise<void>)[] = []
  beforeEach(async () => {
    pair = await makePair()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    await pair.remove()
  })
  const away = () => join(pair.follower.stemmaHome, 'away')
  const agents = () => pair.follower.read('AGENTS.md')

  test('with the master off: it is asked once, and the next ones pay nothing', async () => {
    const { port } = pair.server
    await pair.server.stop()
    await pair.exec()
    await until('it was asked', () => existsSync(away()))
    let asked = 0
    const silent = createServer((socket) => {
      asked++
      socket.destroy()
    }).listen(port, '127.0.0.1')
    await once(silent, 'listening')
    closing.push(() => void silent.close())
    await pair.exec()
    expect(asked).toBe(0)
    expect((await pair.follower.stemma('run', '--', '--version')).code).toBe(0)
    expect(asked).toBe(0)
  })

  test('with a master that accepts and says nothing: within the budget, once', async () => {
    const { port } = pair.server
    await pair.server.stop()
    const sockets: Socket[] = []
    const hung: NetServer = createServer((socket) => void sockets.push(socket)).listen(port, '127.0.0.1')
    await once(hung, 'listening')
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      hung.close()
    })
    expect(soon(pair.follower)).toBeLessThan(hookConnectMs)
    await until('it was asked', () => existsSync(away()))
    await pair.exec()
    rmSync(away())
    const startMs = performance.now()
    expect((await pair.follower.stemma('run', '--', '--version')).code).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(hookSyncMs + slackMs)
    expect(existsSync(away())).toBe(true)
  })

  test('S19: with another master at the same address: nothing is taken from it, and `sync` says so', async () => {
    const { port } = pair.server
    await pair.server.stop()
    const other = makeMachine('other')
    closing.push(() => other.remove())
    other.write('AGENTS.md', 'Speak of the impostor.\n')
    expect((await other.stemma('master', 'init')).code).toBe(0)
    await other.start('master', 'serve', '--json', '--port', String(port), ...onLoopback)
    for (let n = 0; n < 2; n++) await pair.exec()
    expect((await pair.follower.stemma('run', '--', '--version')).code).toBe(0)
    expect(agents()).toBe('Speak of the zebra crossing.\n')
    const contact = join(pair.follower.stemmaHome, 'contact.json')
    await until('the hook has met it', () => readFileSync(contact, 'utf8').includes('pin-mismatch'))
    const { trouble } = (await pair.follower.stemma('status', '--json')).json()
    expect(trouble).toMatchObject({ code: 'pin-mismatch', refused: true })
    expect((await pair.follower.stemma('sync')).code).toBe(4)
  })

  test('with a master that comes back: it is asked again without anybody waiting', async () => {
    const { port } = pair.server
    await pair.publish(() => pair.master.write('AGENTS.md', 'Speak of the heron.\n'))
    await pair.server.stop()
    await pair.exec()
    await until('it was asked', () => existsSync(away()))
    await pair.master.start('master', 'serve', '--json', '--port', String(port), ...onLoopback)
    await pair.exec()
    expect(agents()).toBe('Speak of the zebra crossing.\n')
    // The minute is over.
    writeFileSync(away(), String(Date.now() - 1))
    const request = await pair.exec()
    expect(request.text).not.toContain('heron')
    await pair.bringIn(() => agents() === 'Speak of the heron.\n')
    expect(existsSync(away())).toBe(false)
  })

  const noMount = mountMissing()
  if (noMount !== null) process.stderr.write(`skipped: a session on a full disk: ${noMount}\n`)
  test.skipIf(noMount !== null)(
    'with a full disk: it starts and ends well, with news and with the master off',
    async () => {
      const { follower, server } = pair
      const { stemmaHome } = follower
      const aside = `${stemmaHome}.aside`
      execFileSync('mv', [stemmaHome, aside])
      mkdirSync(stemmaHome, { mode: 0o700 })
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', stemmaHome])
      closing.push(() => void execFileSync('umount', [stemmaHome]))
      execFileSync('cp', ['-a', `${aside}/.`, stemmaHome])
      rmSync(aside, { recursive: true })
      await pair.publish(() => pair.master.write('AGENTS.md', 'Speak of the heron.\n'))
      fill(stemmaHome)
      expect(runHook(follower, 'SessionStart')).toBeLessThan(hookSyncMs + slackMs)
      await pair.exec()
      expect((await follower.stemma('run', '--', '--version')).code).toBe(0)
      await server.stop()
      await pair.exec()
      expect((await follower.stemma('run', '--', '--version')).code).toBe(0)
      expect(agents()).toBe('Speak of the zebra crossing.\n')
      rmSync(join(stemmaHome, 'filler'))
      expect((await follower.stemma('status')).code).toBe(0)
    },
  )
})

function mountMissing(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux'
  return process.getuid?.() === 0 ? null : 'this is not root'
}

/** Leaves not one byte. */
function fill(folder: string): void {
  for (let n = 0; statfsSync(folder).bavail > 0 && n < 100; n++) {
    spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=4k', 'oflag=append', 'conv=notrunc'])
  }
  expect(statfsSync(folder).bavail).toBe(0)
}

const missing = namespacesMissing()
if (missing !== null) process.stderr.write(`skipped: a master in a black hole: ${missing}\n`)
describe.skipIf(missing !== null)('a master in a black hole', () => {
  test('S51: no session waits for it; `run` does once, no longer than the budget', async () => {
    const [left, right] = [
      { name: 'left', addresses: ['100.64.0.1'] },
      { name: 'right', addresses: ['100.64.0.2'] },
    ]
    const cable = layCable(left, right)
    const master = makeMachine('master', cable.inside(left))
    const inside = cable.inside(right)
    const codex = join(dirname(master.codexHome), 'bin')
    mkdirSync(codex)
    writeFileSync(join(codex, 'codex'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    const follower = makeMachine('follower', inside, { PATH: `${codex}:${process.env['PATH'] ?? ''}` })
    try {
      master.write('AGENTS.md', 'Speak of the zebra crossing.\n')
      expect((await master.stemma('master', 'init')).code).toBe(0)
      await master.serve()
      const link = (await master.stemma('master', 'link', '--json', '--host', '100.64.0.1')).json()
      const join_ = await follower.stemma('follower', 'join', String(link['link']), '--yes')
      expect(join_.code, join_.stderr).toBe(0)
      cable.swallow(left)
      const hookMs = runHook(follower, 'SessionStart', inside)
      expect(hookMs).toBeLessThan(hookConnectMs)
      await until('it was asked', () => existsSync(join(follower.stemmaHome, 'away')))
      await until('nobody asks', () => !existsSync(join(follower.stemmaHome, 'worker')))
      rmSync(join(follower.stemmaHome, 'away'))
      const run = async () => {
        const startMs = performance.now()
        expect((await follower.stemma('run')).code).toBe(0)
        return performance.now() - startMs
      }
      const firstMs = await run()
      expect(firstMs).toBeGreaterThan(hookConnectMs)
      expect(firstMs).toBeLessThan(hookSyncMs + slackMs)
      const nextMs = Math.min(await run(), await run())
      expect(nextMs).toBeLessThan(hookConnectMs)
      process.stderr.write(
        `black hole: hook ${hookMs | 0} ms, run ${firstMs | 0} ms, then ${nextMs | 0} ms\n`,
      )
      // The minute is over: nobody waits for whoever asks now.
      writeFileSync(join(follower.stemmaHome, 'away'), '1')
      expect(await run()).toBeLessThan(hookConnectMs)
      await until('it was asked', () => readFileSync(join(follower.stemmaHome, 'away'), 'utf8') !== '1')
    } finally {
      await follower.remove()
      await master.remove()
      cable.remove()
    }
  })
})
