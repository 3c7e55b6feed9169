/** Two machines by their commands alone: files, exit codes and JSON, without Codex. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, makeMachine, onLoopback, skillText } from './machine.ts'
import type { Server } from './server.ts'

describe('a master and a follower on loopback', () => {
  const machines: Machine[] = []
  let master: Machine
  let follower: Machine
  let server: Server

  const make = (name: string): Machine => {
    const machine = makeMachine(name)
    machines.push(machine)
    return machine
  }
  beforeAll(async () => {
    master = make('master')
    follower = make('follower')
    master.write('AGENTS.md', 'first\n')
    master.write('skills/quagga/SKILL.md', skillText('quagga', 'Draws a quagga.'))
    master.write('prompts/review.md', 'Review it.\n')
    const init = await master.stemma('master', 'init')
    expect(init.code, init.stderr).toBe(0)
    server = await master.serve(...onLoopback)
  })
  afterAll(async () => {
    for (const machine of machines) await machine.remove()
  })

  /** Waits until the master has published `entries` more than it had before `change`. */
  async function publish(entries: number, change: () => void): Promise<void> {
    const before = Number((await master.stemma('status', '--json')).json()['seq'])
    change()
    await server.event('published', (said) => Number(said['seq']) >= before + entries)
  }

  test('S17: the link holds an address and a fingerprint, and a command that says the same', async () => {
    const link = (await master.stemma('master', 'link', '--json')).json()
    const url = new URL(String(link['link']))
    expect(Object.fromEntries(url.searchParams)).toEqual({
      host: '127.0.0.1',
      port: String(server.port),
      fingerprint: link['fingerprint'],
      v: '1',
    })
    expect(link).toMatchObject({ host: '127.0.0.1', port: server.port })
    expect(link['fingerprint']).toMatch(/^[0-9a-f]{64}$/)
    expect(link['command']).toContain('follower join --master wss://127.0.0.1:')
    expect(link['command']).toContain(`--fingerprint ${link['fingerprint']}`)
  })

  test('S19: a join with another fingerprint is refused as trust, and nothing is stored or applied', async () => {
    const fooled = make('fooled')
    const address = `wss://127.0.0.1:${server.port}`
    const join = await fooled.stemma(
      'follower',
      'join',
      '--master',
      address,
      '--fingerprint',
      '0'.repeat(64),
      '--yes',
    )
    expect(join.code, join.stderr).toBe(4)
    expect(fooled.read('AGENTS.md')).toBeNull()
    expect(join.stderr).not.toMatch(/^\s+at /m)
  })

  test('S18, S40, S57: a join brings the home; status tells both sides', async () => {
    follower.write('skills/mine/SKILL.md', skillText('mine', 'Stays here.'))
    const link = (await master.stemma('master', 'link', '--json')).json()
    const join = await follower.stemma('follower', 'join', String(link['link']), '--yes')
    expect(join.code, join.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('first\n')
    expect(follower.read('prompts/review.md')).toBe('Review it.\n')
    expect(follower.read('skills/mine/SKILL.md')).toContain('Stays here.')
    const here = (await follower.stemma('status', '--json')).json()
    const there = (await master.stemma('status', '--json')).json()
    expect(here).toMatchObject({ role: 'follower', revision: there['revision'], conflicts: [] })
    expect(here['master']).toMatchObject({ host: '127.0.0.1', port: server.port })
    expect(there).toMatchObject({ role: 'master', fingerprint: link['fingerprint'] })
  })

  test('S25, S38: a change and a deletion travel; what the follower has of its own stays', async () => {
    await publish(1, () => master.write('AGENTS.md', 'second\n'))
    await publish(1, () => master.erase('prompts/review.md'))
    const sync = await follower.stemma('sync')
    expect(sync.code, sync.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('second\n')
    expect(follower.read('prompts/review.md')).toBeNull()
    expect(follower.read('skills/mine/SKILL.md')).toContain('Stays here.')
  })

  test('S35: a dry run changes nothing', async () => {
    await publish(1, () => master.write('AGENTS.md', 'third\n'))
    const dry = await follower.stemma('sync', '--dry-run')
    expect(dry.code, dry.stderr).toBe(0)
    expect(dry.stdout).toContain('AGENTS.md')
    expect(follower.read('AGENTS.md')).toBe('second\n')
    expect((await follower.stemma('sync')).code).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('third\n')
  })

  test('S39: a local edit is kept and reported until it is settled', async () => {
    follower.write('AGENTS.md', 'my own words\n')
    await publish(1, () => master.write('AGENTS.md', 'fourth\n'))
    expect((await follower.stemma('sync')).code).toBe(3)
    expect(follower.read('AGENTS.md')).toBe('my own words\n')
    expect((await follower.stemma('status', '--json')).json()['conflicts']).toHaveLength(1)
    const settled = await follower.stemma('resolve', 'AGENTS.md', '--take', 'canonical')
    expect(settled.code, settled.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('fourth\n')
    expect((await follower.stemma('sync')).code).toBe(0)
  })

  test('S1: a second server on the same folder is refused with one clear sentence', async () => {
    const second = await master.stemma('master', 'serve', '--port', '0', ...onLoopback)
    expect(second.code, second.stderr).toBe(1)
    expect(second.stderr).not.toMatch(/^\s+at /m)
  })

  test('S14: a revoked follower is refused as trust', async () => {
    const followers = (await master.stemma('master', 'followers', '--json')).json()['followers']
    expect(followers).toHaveLength(1)
    const id = Array.isArray(followers) ? String(followers[0]?.id) : ''
    const revoke = await master.stemma('master', 'revoke', id, '--yes')
    expect(revoke.code, revoke.stderr).toBe(0)
    const sync = await follower.stemma('sync')
    expect(sync.code, sync.stderr).toBe(4)
    expect(follower.read('AGENTS.md')).toBe('fourth\n')
  })

  test('S42, Q4: without the master a sync says unreachable, and apply works from what is there', async () => {
    expect(await server.stop()).toBe(0)
    const sync = await follower.stemma('sync', '--timeout', '2000')
    expect(sync.code, sync.stderr).toBe(5)
    expect(sync.stderr).not.toMatch(/^\s+at /m)
    const apply = await follower.stemma('apply')
    expect(apply.code, apply.stderr).toBe(0)
  })
})
