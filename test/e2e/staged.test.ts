/** Sessions in progress on the real Codex: what they would notice waits, and then goes in (S10). */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppServer, startAppServer } from './app-server.ts'
import { describeCodex, runCodexExec } from './codex.ts'
import { makePair, modelOf, type Pair } from './pair.ts'
import { until } from './patience.ts'

describeCodex('while a session of Codex is in progress', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await makePair()
  })
  afterAll(() => pair.remove())

  const status = async () => (await pair.follower.stemma('status', '--json')).json()
  const stagedPaths = (told: Record<string, unknown>) =>
    Array.isArray(told['staged']) ? told['staged'].map((one: { path?: unknown }) => one.path) : null
  const agents = () => pair.follower.read('AGENTS.md')
  const publish = (name: string) => pair.publishNamed(name)
  const home = () => pair.follower.codexHome

  test('instructions and skills wait, config does not; `apply --now` does not wait; nothing of it is a conflict', async () => {
    const release = pair.model.hold()
    const asked = pair.model.next()
    const session = runCodexExec({ home: home(), prompt: 'Say hello.' })
    await asked
    await publish('heron')
    const sync = await pair.follower.stemma('sync')
    expect(sync.code, sync.stderr + sync.stdout).toBe(0)
    expect(sync.stdout).toContain(', but 2 files wait for the end of a session.\n')
    expect(sync.stdout).toMatch(/Staged until no session of Codex is in progress \(1[12] h at most\): /)
    expect(sync.stdout).toContain('skills/heron/SKILL.md')
    const told = await status()
    expect(stagedPaths(told)).toEqual(['AGENTS.md', 'skills/heron/SKILL.md'])
    expect([told['conflicts'], told['pending']]).toEqual([[], false])
    expect(Date.parse(String(told['stagedUntil']))).toBeGreaterThan(Date.now() + 11 * 3_600_000)
    const words = (await pair.follower.stemma('status')).stdout
    expect(words).toContain('AGENTS.md, skills/heron/SKILL.md')
    expect(words).toMatch(/files +\d+, but 2 files wait for the end of a session\n/)
    expect((await pair.follower.stemma('plan')).stdout).toContain('Nothing would change, but 2 files wait')
    expect(agents()).toBe('Speak of the zebra crossing.\n')
    expect(pair.follower.read('config.toml')).toContain('gpt-heron')
    const plan = (await pair.follower.stemma('plan', '--json')).json()
    expect([plan['changes'], stagedPaths(plan)]).toEqual([[], ['AGENTS.md', 'skills/heron/SKILL.md']])

    const now = (await pair.follower.stemma('apply', '--now', '--json')).json()
    expect(now['staged']).toEqual([])
    expect(agents()).toBe('Speak of the heron.\n')
    expect(stagedPaths(await status())).toEqual([])
    release()
    expect((await session).code).toBe(0)
  })

  test('the end of the session itself puts in what waited, before the next one can start', async () => {
    const release = pair.model.hold()
    const asked = pair.model.next()
    const session = runCodexExec({ home: home(), prompt: 'Say hello.' })
    await asked
    await publish('osprey')
    expect((await pair.follower.stemma('sync')).code).toBe(0)
    expect(agents()).toBe('Speak of the heron.\n')
    release()
    expect((await session).code).toBe(0)
    // On a busy machine the budget of the hook may be over first.
    await until('the instructions are new', () => agents() === 'Speak of the osprey.\n')
    const request = await pair.exec()
    expect(modelOf(request)).toBe('gpt-osprey')
    expect(request.text).toContain('Draws a osprey')
  })

  test('the session whose own hook brings the news is a session too', async () => {
    await publish('quagga')
    const release = pair.model.hold()
    const asked = pair.model.next()
    const session = runCodexExec({ home: home(), prompt: 'Say hello.' })
    await asked
    await until(
      'the hook has synced',
      () => pair.follower.read('config.toml')?.includes('gpt-quagga') === true,
    )
    expect(agents()).toBe('Speak of the osprey.\n')
    release()
    expect((await session).code).toBe(0)
    await until('the instructions are new', () => agents() === 'Speak of the quagga.\n')
  })

  describe('over several turns of one thread', () => {
    let server: AppServer
    beforeAll(async () => {
      server = await startAppServer(home())
    })
    afterAll(() => server.close())

    test('none of them is told anything new', async () => {
      const cwd = join(`${home()}.user`, 'project')
      const { thread } = await server.call<{ thread: { id: string } }>('thread/start', { cwd })
      const turn = async () => {
        const asked = pair.model.next()
        const input = [{ type: 'text', text: 'Say hello.' }]
        await server.call('turn/start', { threadId: thread.id, input })
        return (await asked).text
      }
      await turn()
      await publish('lemur')
      expect((await pair.follower.stemma('sync')).code).toBe(0)
      expect(stagedPaths(await status())).toEqual(['AGENTS.md', 'skills/lemur/SKILL.md'])
      const second = await turn()
      expect(second).not.toContain('lemur')
      expect((await pair.follower.stemma('apply', '--now')).code).toBe(0)
      // What staging is for: Codex takes it up in the middle of the thread.
      expect(await turn()).toContain('Speak of the lemur.')
      await server.call('thread/unsubscribe', { threadId: thread.id })
    })
  })
})
