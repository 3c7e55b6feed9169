/** Approvals follow their hooks, and never grow. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Hook, hookKey, listHooks } from '../../../engine/codex/hook.ts'
import { approve, moveTrust, type TrustTable, trustStatus } from '../../../engine/codex/trust.ts'

const file = '/home/u/.codex/hooks.json'
type Groups = Record<string, readonly (readonly string[])[]>
const hooksOf = (groups: Groups): readonly Hook[] => {
  const table = Object.fromEntries(
    Object.entries(groups).map(([event, all]) => [
      event,
      all.map((commands) => ({ hooks: commands.map((command) => ({ type: 'command', command })) })),
    ]),
  )
  return listHooks(table, 'linux').hooks
}
const commandsOf = (hooks: readonly Hook[], table: TrustTable, status: string) =>
  hooks.filter((hook) => trustStatus(file, hook, table) === status).map((hook) => hook.command)

describe('S50: trust keys are recomputed', () => {
  test('a hook put before others: all keep their approval', () => {
    const before = hooksOf({ SessionStart: [['a'], ['b', 'c']] })
    const after = hooksOf({ SessionStart: [['new'], ['a'], ['c', 'b']] })
    const moved = moveTrust(file, before, after, approve(file, before, {}))
    expect(commandsOf(after, moved, 'trusted')).toEqual(['a', 'c', 'b'])
    expect(commandsOf(after, moved, 'untrusted')).toEqual(['new'])
    expect(Object.keys(moved)).toHaveLength(3)
  })

  test('a removed hook takes its entry along; a place taken over is not inherited', () => {
    const before = hooksOf({ Stop: [['a'], ['b']] })
    const after = hooksOf({ Stop: [['b'], ['x']] })
    const moved = moveTrust(file, before, after, approve(file, before, {}))
    expect(commandsOf(after, moved, 'trusted')).toEqual(['b'])
    expect(commandsOf(after, moved, 'untrusted')).toEqual(['x'])
    expect(Object.keys(moved)).toEqual([`${file}:stop:0:0`])
  })

  test('a disabled hook stays disabled where it goes, and disables nobody else', () => {
    const before = hooksOf({ Stop: [['a'], ['b']] })
    const disabled = { ...approve(file, before, {}), [`${file}:stop:0:0`]: { enabled: false } }
    const after = hooksOf({ Stop: [['b'], ['a']] })
    const moved = moveTrust(file, before, after, disabled)
    expect(commandsOf(after, moved, 'disabled')).toEqual(['a'])
    expect(commandsOf(after, moved, 'trusted')).toEqual(['b'])
  })

  test('changed and changed back: approved again; changed only: asked again', () => {
    const first = hooksOf({ Stop: [['a']] })
    const second = hooksOf({ Stop: [['a2']] })
    const approved = approve(file, first, {})
    const changed = moveTrust(file, first, second, approved)
    expect(commandsOf(second, changed, 'trusted')).toEqual([])
    const both = hooksOf({ Stop: [['a2'], ['a']] })
    expect(commandsOf(both, moveTrust(file, second, both, approved), 'trusted')).toEqual(['a'])
  })

  test('a table that is ahead of its file: every approval is found by its hash, and none by chance', () => {
    const old = hooksOf({ Stop: [['a'], ['mine']] })
    const ahead = hooksOf({ Stop: [['new'], ['a'], ['mine']] })
    const table = moveTrust(file, old, ahead, approve(file, old, {}))
    for (const after of [old, ahead, hooksOf({ Stop: [['newer'], ['new'], ['a'], ['mine']] })]) {
      const moved = moveTrust(file, old, after, table)
      expect(commandsOf(after, moved, 'trusted')).toEqual(['a', 'mine'])
    }
    // The twin of an approved hook has an entry of its own, or none.
    const twins = hooksOf({ Stop: [['a'], ['a']] })
    const one = approve(file, twins.slice(0, 1), {})
    expect(moveTrust(file, twins, twins, one)).toEqual(one)
  })

  test('entries of other files, and keys of no hook, stay as they are', () => {
    const others = {
      '/home/u/.codex/config.toml:stop:0:0': { trusted_hash: 'sha256:1' },
      [`${file}:stop:9:9`]: { trusted_hash: 'sha256:2' },
      [`${file}.bak:stop:0:0`]: { enabled: false },
      odd: {},
    }
    const before = hooksOf({ Stop: [['a']] })
    expect(moveTrust(file, before, [], { ...others, ...approve(file, before, {}) })).toEqual(others)
  })
})

const commands = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 })
const groups: fc.Arbitrary<Groups> = fc.record({
  SessionStart: fc.array(commands, { maxLength: 4 }),
  Stop: fc.array(commands, { maxLength: 3 }),
})
const entry = fc.oneof(
  fc.constant({ enabled: false }),
  fc.constantFrom('right', 'stale').map((kind) => ({ kind })),
)

test('S50: for any two files and any table, no approval is lost and none is made up', () => {
  fc.assert(
    fc.property(groups, groups, fc.array(fc.option(entry), { maxLength: 24 }), (first, second, drawn) => {
      const before = hooksOf(first)
      const after = hooksOf(second)
      const table: TrustTable = Object.fromEntries(
        before.flatMap((hook, at) => {
          const one = drawn[at]
          if (!one) return []
          const told = 'kind' in one ? { trusted_hash: one.kind === 'right' ? hook.hash : 'sha256:0' } : one
          return [[hookKey(file, hook), told]]
        }),
      )
      expect(moveTrust(file, before, before, table)).toEqual(table)
      const moved = moveTrust(file, before, after, table)
      const statuses = (hooks: readonly Hook[], hash: string, of: TrustTable) =>
        hooks.filter((hook) => hook.hash === hash).map((hook) => trustStatus(file, hook, of))
      for (const hook of after) {
        const was = statuses(before, hook.hash, table)
        const is = statuses(after, hook.hash, moved)
        // One declaration that was approved wherever it stood is approved wherever it stands.
        if (was.length > 0 && was.every((status) => status === 'trusted'))
          expect(is.every((status) => status === 'trusted')).toBe(true)
        if (is.includes('trusted')) expect(was).toContain('trusted')
        if (was.length > 0 && was.every((status) => status === 'disabled'))
          expect(is).not.toContain('trusted')
      }
      expect(moveTrust(file, after, after, moved)).toEqual(moved)
    }),
    { numRuns: 2000 },
  )
})
