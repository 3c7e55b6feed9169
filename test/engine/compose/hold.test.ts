/** What waits for the end of a session, and for how long (S10). The real Codex is in `test/e2e/staged.test.ts`. */
import { describe, expect, test } from 'vitest'
import { compareLogins, isNoticed, isOverdue } from '../../../engine/compose/hold.ts'
import { assert } from '../../../schemas/fault.ts'
import { stagedMaxMs } from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import { home } from '../fixture.ts'
import { at, keeperOf, type Machine, World } from '../machines.ts'

const jwt = (claims: object) =>
  ['{}', JSON.stringify(claims), ''].map((part) => Buffer.from(part).toString('base64url')).join('.')
const login = (account: string, token = 'a') =>
  JSON.stringify({
    auth_mode: 'chatgpt',
    tokens: {
      id_token: jwt({ 'https://api.openai.com/auth': { chatgpt_account_id: account } }),
      access_token: jwt({ exp: 1, token }),
      refresh_token: '',
      account_id: account,
    },
  })

describe('S10: the decision', () => {
  test('instructions and skills are noticed, another login too, all else not', () => {
    const paths = ['AGENTS.md', 'AGENTS.override.md', 'skills/a/SKILL.md', 'auth.json']
    expect(paths.map((path) => isNoticed(home(path), 'other'))).toEqual([true, true, true, true])
    expect(isNoticed(home('auth.json'), 'same')).toBe(false)
    for (const path of [
      'config.toml',
      'hooks.json',
      'RTK.md',
      'prompts/AGENTS.md',
      'rules/skills/a.md',
      '.env',
    ])
      expect(isNoticed(home(path), 'other'), path).toBe(false)
  })

  test('only one ChatGPT account is the same login', () => {
    const key = '{"OPENAI_API_KEY":"sk-1"}'
    expect(compareLogins(login('w', 'old'), login('w', 'new'))).toBe('same')
    for (const [local, canonical] of [
      [login('w'), login('v')],
      [key, key],
      [key, login('w')],
      [login('w'), key],
      [null, login('w')],
      [login('w'), null],
      ['{', login('w')],
    ])
      expect(compareLogins(local ?? null, canonical ?? null)).toBe('other')
  })

  test('twelve hours are the most', () => {
    expect(isOverdue(null, stagedMaxMs)).toBe(false)
    expect(isOverdue(1, stagedMaxMs)).toBe(false)
    expect(isOverdue(1, stagedMaxMs + 1)).toBe(true)
    expect(isOverdue(5, 1)).toBe(false)
  })
})

describe('S10: a home with a session', () => {
  const thread = '01a1f877-6c21-7c73-a4c7-eebdfd22bf21'
  const lock = at(`thread-writer-locks/${thread}.lock`)
  const first = {
    'AGENTS.md': 'one',
    'skills/a/SKILL.md': 'one',
    'RTK.md': 'one',
    'auth.json': login('w', 'one'),
  }
  const second = { ...first, 'AGENTS.md': 'two', 'RTK.md': 'two', 'skills/b/c/SKILL.md': 'new' }
  const waits = ['AGENTS.md', 'skills/b/c/SKILL.md']

  async function pair() {
    const world = await World.make(first)
    const machine = await world.join(2)
    await machine.keeper.apply()
    machine.disk.plantFolder(at('thread-writer-locks'))
    machine.disk.plantFile(lock, '', 0o600)
    return { world, machine }
  }
  const keeper = ({ disk, ports, follower }: Machine, ended: string | null = null) =>
    keeperOf(disk, ports, follower, null, { ended })
  function clockOf({ ports: { clock } }: Machine): SimClock {
    assert(clock instanceof SimClock, 'the clock of a test is a simulated one')
    return clock
  }
  const paths = (staged: readonly { path: string }[]) => staged.map(({ path }) => path)

  test('what it would notice waits, and is neither a change nor a conflict; all else goes in', async () => {
    const { world, machine } = await pair()
    await world.publish(second)
    await world.sync(machine)
    const result = await keeper(machine).apply()
    expect(paths(result.changed)).toEqual(['RTK.md'])
    expect(paths(result.staged)).toEqual(waits)
    expect([result.conflicts, result.faults]).toEqual([[], []])
    expect(result.waitingSinceMs).toBe(machine.ports.clock.now())
    expect(machine.text('AGENTS.md')).toBe('one')
    // No folder was made for what waits.
    expect(await machine.disk.stat(at('skills/b'))).toBe(null)
    const { plan } = await keeper(machine).plan()
    expect([plan.steps, paths(plan.staged)]).toEqual([[], waits])
  })

  test('it goes in when the session is over, or has said so, or when the user does not wait', async () => {
    for (const end of ['gone', 'ended', 'now'] as const) {
      const { world, machine } = await pair()
      await world.publish(second)
      await world.sync(machine)
      await keeper(machine).apply()
      if (end === 'gone') await machine.disk.unlink(lock)
      const last = end === 'now' ? machine.keeper : keeper(machine, end === 'ended' ? thread : null)
      expect(paths((await last.apply()).changed)).toEqual(waits)
      expect(machine.text('AGENTS.md')).toBe('two')
      expect(await machine.disk.stat('/user/stemma/apply/staged')).toBe(null)
    }
  })

  test('all of it goes in twelve hours after the first of it', async () => {
    const { world, machine } = await pair()
    const startMs = machine.ports.clock.now()
    await world.publish({ ...first, 'AGENTS.md': 'two' })
    await world.sync(machine)
    await keeper(machine).apply()
    clockOf(machine).jumpTo(startMs + stagedMaxMs - 1)
    await world.publish({ ...first, 'AGENTS.md': 'two', 'skills/a/SKILL.md': 'two' })
    await world.sync(machine)
    const result = await keeper(machine).apply()
    expect([paths(result.staged), result.waitingSinceMs]).toEqual([
      ['AGENTS.md', 'skills/a/SKILL.md'],
      startMs,
    ])
    clockOf(machine).jumpTo(startMs + stagedMaxMs)
    expect(paths((await keeper(machine).apply()).changed)).toEqual(['AGENTS.md', 'skills/a/SKILL.md'])
    // The next one waits its own time.
    await world.publish({ ...first, 'AGENTS.md': 'three', 'skills/a/SKILL.md': 'two' })
    await world.sync(machine)
    expect(paths((await keeper(machine).apply()).staged)).toEqual(['AGENTS.md'])
  })

  test('a clock that is set back does not make it wait for ever', async () => {
    const { world, machine } = await pair()
    await world.publish(second)
    await world.sync(machine)
    await keeper(machine).apply()
    const backMs = machine.ports.clock.now() - 10 * stagedMaxMs
    clockOf(machine).jumpTo(backMs)
    expect((await keeper(machine).apply()).waitingSinceMs).toBe(backMs)
    clockOf(machine).jumpTo(backMs + stagedMaxMs)
    expect(paths((await keeper(machine).apply()).changed)).toEqual(waits)
  })

  test('removals wait too', async () => {
    const { world, machine } = await pair()
    await world.publish({ 'skills/a/SKILL.md': null })
    await world.sync(machine)
    const result = await keeper(machine).apply()
    expect([result.changed, paths(result.staged)]).toEqual([[], ['skills/a/SKILL.md']])
    expect(machine.text('skills/a/SKILL.md')).toBe('one')
  })

  test('A5: a fresh token of the account that is signed in goes through, another account waits', async () => {
    const { world, machine } = await pair()
    await world.publish({ 'auth.json': login('w', 'two') })
    await world.sync(machine)
    expect(paths((await keeper(machine).apply()).changed)).toEqual(['auth.json'])
    await world.publish({ 'auth.json': login('v', 'three') })
    await world.sync(machine)
    const result = await keeper(machine).apply()
    expect([result.changed, paths(result.staged)]).toEqual([[], ['auth.json']])
    expect(machine.text('auth.json')).toBe(login('w', 'two'))
  })

  test('S39: what the user takes in a conflict does not wait', async () => {
    const { world, machine } = await pair()
    machine.disk.plantFile(at('AGENTS.md'), 'mine', 0o644)
    await world.publish(second)
    await world.sync(machine)
    const result = await keeper(machine).apply()
    expect(paths(result.conflicts)).toEqual(['AGENTS.md'])
    expect(paths(result.staged)).toEqual(['skills/b/c/SKILL.md'])
    await keeper(machine).resolve('AGENTS.md', 'canonical')
    expect(machine.text('AGENTS.md')).toBe('two')
  })
})
