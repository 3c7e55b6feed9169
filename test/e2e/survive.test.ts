/** Our hooks, and one that the user approved, through syncs that add, move and remove canonical hooks (S50). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isOwnCommand } from '../../engine/compose/hooks.ts'
import { Random } from '../sim/random.ts'
import { type AppServer, startAppServer } from './app-server.ts'
import { describeCodex } from './codex.ts'
import { makePair, type Pair } from './pair.ts'

/** 50 in a long run. */
const syncs = Number(process.env['STEMMA_SYNCS'] ?? 6)
const seed = Number(process.env['STEMMA_SEED'] ?? 20)

describeCodex('hooks as the real Codex lists them', () => {
  let pair: Pair
  let server: AppServer
  beforeAll(async () => {
    pair = await makePair()
    server = await startAppServer(pair.follower.codexHome)
  })
  afterAll(async () => {
    await server.close()
    await pair.remove()
  })

  const random = new Random(seed)
  const group = (name: string) => ({ hooks: [{ type: 'command', command: `/bin/true ${name}`, timeout: 3 }] })
  /** Some of a dozen hooks, in any order, and always the kept one. */
  function declare(): object {
    const names = [
      'kept',
      ...Array.from({ length: 12 }, (_, n) => `h${n}`).filter(() => random.below(2) === 0),
    ]
    const shuffled = names.map((name) => [random.fraction(), name] as const).sort(([a], [b]) => a - b)
    const [events, hooks] = [['SessionStart', 'SessionEnd', 'Stop'], new Map<string, object[]>()]
    for (const [, name] of shuffled) {
      const event = name === 'kept' ? 'SessionStart' : (events[random.below(events.length)] ?? '')
      hooks.set(event, [...(hooks.get(event) ?? []), group(name)])
    }
    return { hooks: Object.fromEntries(hooks) }
  }
  const sync = async (hooks: object | null) => {
    await pair.publish(() => {
      if (hooks === null) pair.master.erase('hooks.json')
      else pair.master.write('hooks.json', JSON.stringify(hooks))
    })
    const told = await pair.follower.stemma('sync')
    expect(told.code, told.stderr + told.stdout).toBe(0)
  }

  test(`S50: ${syncs} of them, seed ${seed}`, async () => {
    await sync(declare())
    const approved = (await server.listHooks()).hooks.find(({ command }) => command?.endsWith('kept'))
    expect(approved?.trustStatus).toBe('untrusted')
    const value = { [approved?.key ?? '']: { trusted_hash: approved?.currentHash } }
    const edits = [{ keyPath: 'hooks.state', value, mergeStrategy: 'upsert' }]
    await server.call('config/batchWrite', { edits, reloadUserConfig: true })

    for (let n = 0; n < syncs; n++) {
      await sync(declare())
      const { hooks, warnings, errors } = await server.listHooks()
      expect([warnings, errors]).toEqual([[], []])
      const ours = hooks.filter(({ command }) => isOwnCommand(command ?? ''))
      expect(ours.map(({ eventName }) => eventName).sort()).toEqual(['sessionEnd', 'sessionStart'])
      for (const own of ours) {
        expect(own.enabled).toBe(true)
        expect(hooks.filter(({ eventName }) => eventName === own.eventName).at(-1)).toBe(own)
      }
      const trusted = hooks
        .filter(({ trustStatus }) => trustStatus === 'trusted')
        .map(({ command }) => command)
      const kept = '/bin/true kept'
      expect(trusted.sort()).toEqual([kept, ...ours.map(({ command }) => command)].sort())
      const hook = (await pair.follower.stemma('hook', 'status', '--json')).json()
      expect(hook).toMatchObject({ installed: true, trusted: true, why: null })
      expect(hook['skipped']).toHaveLength(hooks.length - 3)
    }
    await sync(null)
    const left = (await server.listHooks()).hooks
    expect(left.map(({ trustStatus }) => trustStatus)).toEqual(['trusted', 'trusted'])
    expect(left.every(({ command }) => isOwnCommand(command ?? ''))).toBe(true)
  }, 300_000)
})
