/** S22, S52: a follower that watches: every change in place within moments, whatever the master or its user does. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDisk } from '../../engine/disk/real.ts'
import { systemClock } from '../../engine/env/system-clock.ts'
import { askOwner } from '../../transport/control/ask.ts'
import { type Machine, makeMachine, onLoopback } from './machine.ts'
import { beSilent, layCable, namespacesMissing } from './netns.ts'
import { until } from './patience.ts'
import type { Server } from './server.ts'

describe('follower watch', () => {
  let master: Machine
  let follower: Machine
  let server: Server
  let watcher: Server
  const serve = (port: number) =>
    master.start('master', 'serve', '--json', '--port', String(port), ...onLoopback)
  beforeEach(async () => {
    master = makeMachine('master')
    follower = makeMachine('follower')
    master.write('AGENTS.md', 'First.\n')
    expect((await master.stemma('master', 'init')).code).toBe(0)
    server = await serve(0)
    const { link } = (await master.stemma('master', 'link', '--json')).json()
    expect((await follower.stemma('follower', 'join', String(link), '--yes')).code).toBe(0)
    watcher = await follower.start('follower', 'watch', '--json')
  })
  afterEach(async () => {
    await follower.remove()
    await master.remove()
  })
  const says = (text: string) => until(text, () => follower.read('AGENTS.md') === text)
  const word = () => existsSync(join(follower.stemmaHome, 'watching'))

  test('brings in every change by itself, and ends well when it is told to', async () => {
    expect(watcher.said[0]).toMatchObject({ event: 'connected' })
    for (const text of ['Second.\n', 'Third.\n']) {
      master.write('AGENTS.md', text)
      await says(text)
    }
    await watcher.event('applied', ({ changed }) => changed === 1)
    expect(word()).toBe(true)
    expect(await watcher.stop()).toBe(0)
    expect(word()).toBe(false)
    expect(watcher.log).toBe('')
  })

  test('S25: a storm over a whole tree, twice and back again, arrives as it is in the end', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `skills/s${i >> 2}/${i % 4}.md`)
    const write = (of: string, from = 0) => {
      for (const name of names.slice(from)) master.write(name, `${of} ${name}\n`)
    }
    write('main')
    write('branch')
    for (const name of names.filter((_, i) => i % 3 === 0)) rmSync(join(master.codexHome, name))
    write('main', 200)
    await until('the storm is over', () => names.every((name) => follower.read(name) === master.read(name)))
    write('main')
    await until('it went back', () => names.every((name) => follower.read(name) === `main ${name}\n`))
    const { conflicts } = (await follower.stemma('conflicts', '--json')).json()
    expect(conflicts).toEqual([])
    expect(watcher.said.filter(({ event }) => event === 'away')).toEqual([])
  })

  test('other commands work meanwhile, and it goes on after them', async () => {
    for (const command of ['status', 'sync', 'conflicts', 'status']) {
      const { code, stderr } = await follower.stemma(command)
      expect([code, stderr], command).toEqual([0, ''])
    }
    const many = await Promise.all([1, 2, 3].map(() => follower.stemma('status', '--json')))
    expect(many.map(({ code }) => code)).toEqual([0, 0, 0])
    master.write('AGENTS.md', 'Second.\n')
    await says('Second.\n')
    await watcher.event('applied', ({ changed }) => changed === 1)
    // A look after each of them has nothing to tell.
    expect(watcher.said.filter(({ event }) => event === 'applied').map(({ changed }) => changed)).toEqual([
      0, 1,
    ])
    expect(watcher.said.filter(({ event }) => event === 'away')).toEqual([])
  })

  test('U2: what only tells leaves its link alone', async () => {
    const links = () => server.said.filter(({ event }) => event === 'joined').length
    const before = links()
    follower.write('AGENTS.md', 'Mine.\n')
    const lines = [
      'status',
      'plan',
      'conflicts --diff',
      'conflicts AGENTS.md',
      'hook status',
      'trust show',
      'doctor',
    ]
    for (const line of lines) {
      const { code, stdout } = await follower.stemma(...line.split(' '))
      // Codex is not here, and doctor says so.
      expect([0, 1], `${line}: ${stdout}`).toContain(code)
      if (line.startsWith('conflicts')) expect(stdout).toContain('-Mine.')
    }
    master.write('prompts/a.md', 'A.\n')
    await until('it is brought', () => existsSync(join(follower.codexHome, 'prompts/a.md')))
    expect(links()).toBe(before)
    expect((await follower.stemma('sync')).code).toBe(3)
    await until('the link is back', () => links() > before)
  })

  test('it ends when it is asked to, as a service does on Windows', async () => {
    const world = { disk: await openDisk(), clock: systemClock, uid: process.getuid?.() ?? null }
    const { signal } = new AbortController()
    expect(await askOwner(follower.stemmaHome, { cmd: 'stop' }, { ...world, signal })).toEqual({ ok: {} })
    expect(await watcher.ended()).toBe(0)
    expect(word()).toBe(false)
  })

  test('a second one is refused, and says who watches', async () => {
    const { code, stderr } = await follower.stemma('follower', 'watch')
    expect(code).toBe(1)
    expect(stderr).toContain(`\`stemma follower watch\` (pid ${watcher.pid}) is using`)
  })

  test('a master that is stopped, killed or starts anew: it is said once, and found again', async () => {
    const { port } = server
    await server.stop()
    await watcher.event('away')
    expect(word()).toBe(false)
    master.write('AGENTS.md', 'While it was off.\n')
    server = await serve(port)
    await says('While it was off.\n')
    await server.kill()
    server = await serve(port)
    master.write('AGENTS.md', 'After a kill.\n')
    await says('After a kill.\n')
    const { trouble } = (await follower.stemma('status', '--json')).json()
    expect(trouble).toBe(null)
  })

  test('Q4: a machine that was revoked ends with 4', async () => {
    const { id } = (await follower.stemma('status', '--json')).json()
    expect((await master.stemma('master', 'revoke', String(id), '--yes')).code).toBe(0)
    expect(await watcher.ended()).toBe(4)
    expect(watcher.said.at(-1)).toMatchObject({ error: { code: 'revoked' } })
  })
})

const missing = namespacesMissing()
if (missing !== null) process.stderr.write(`skipped: a watcher whose network goes: ${missing}\n`)
describe.skipIf(missing !== null)('S22: follower watch on a network that goes', () => {
  test('lost without a word, or with another address of its own: it is back by itself', async () => {
    const [left, right] = [
      { name: 'watch-left', addresses: ['100.64.0.1'] },
      { name: 'watch-right', addresses: ['100.64.0.2'] },
    ]
    const cable = layCable(left, right)
    const master = makeMachine('master', cable.inside(left))
    const follower = makeMachine('follower', cable.inside(right))
    let silent: Server | null = null
    const says = (text: string) => until(text, () => follower.read('AGENTS.md') === text)
    try {
      master.write('AGENTS.md', 'First.\n')
      expect((await master.stemma('master', 'init')).code).toBe(0)
      const server = await master.serve()
      const { port } = server
      const { link } = (await master.stemma('master', 'link', '--json', '--host', '100.64.0.1')).json()
      expect((await follower.stemma('follower', 'join', String(link), '--yes')).code).toBe(0)
      const watcher = await follower.start('follower', 'watch', '--json')
      for (const host of [left, right]) cable.swallow(host)
      master.write('AGENTS.md', 'While it was gone.\n')
      await watcher.event('away')
      expect(follower.read('AGENTS.md')).toBe('First.\n')
      for (const host of [left, right]) cable.heal(host)
      await says('While it was gone.\n')
      cable.readdress(right, '100.64.0.9')
      master.write('AGENTS.md', 'From another place.\n')
      await says('From another place.\n')

      // Who is connected, and hears nothing more, does not sit out the time of a hello where there is another way.
      await server.stop()
      silent = await beSilent(cable.inside(left), '100.64.0.1', port)
      await silent.event('came')
      const before = Number(silent.said.at(-1)?.['count'])
      const late = () => watcher.said.filter(({ event, code }) => event === 'away' && code === 'timed-out')
      const lateBefore = late().length
      cable.address(right, '100.64.0.17')
      await silent.event('came', ({ count }) => Number(count) > before)
      expect(late()).toHaveLength(lateBefore)
      await silent.kill()
      await master.start('master', 'serve', '--json', '--port', String(port))
      master.write('AGENTS.md', 'Spoken again.\n')
      await says('Spoken again.\n')
      expect(await watcher.stop()).toBe(0)
    } finally {
      await silent?.kill()
      await follower.remove()
      await master.remove()
      cable.remove()
    }
  })
})
