/** JSON that others wrote: nothing in it may end the process, or be lost when it is written again. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyRefresh } from '../../../engine/codex/auth.ts'
import { readHooksFile } from '../../../engine/codex/hook.ts'
import { readJson } from '../../../engine/codex/json.ts'
import { composeHooks, noHooks, publishedHooks } from '../../../engine/compose/hooks.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { jsonDepthMax } from '../../../schemas/limits.ts'

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

test('Q3, S41: depth is bounded before anybody walks the value', () => {
  expect(readJson(nested(jsonDepthMax))).not.toHaveProperty('fault')
  for (const depth of [jsonDepthMax + 1, 3_000, 100_000]) {
    expect(readJson(nested(depth))).toHaveProperty('fault')
    expect(emptyRefresh(`{"x":${nested(depth)}}`)).toBe(null)
    const hooks = `{"hooks":{"Stop":${nested(depth)}}}`
    expect(readHooksFile(hooks, 'linux').fault).toContain('deep')
    expect(isRefusal(publishedHooks(hooks))).toBe(true)
    const input = { canonical: hooks, local: null, last: noHooks, own: null, take: null }
    expect(isRefusal(composeHooks(input))).toBe(true)
  }
})

test('what would not survive being written again is noticed', () => {
  for (const text of [
    '12345678901234567890',
    '[1.0]',
    '{"e":1e400}',
    '{"a":1,"a":2}',
    '[{"a":1,"\\u0061":1}]',
  ])
    expect(readJson(text), text).toMatchObject({ lossy: expect.any(String) })
  for (const text of ['{"a":{"a":1},"b":[{"a":1},{"a":2}]}', '["1.0", -1, 1.5, true, null]', '""'])
    expect(readJson(text), text).toEqual({ value: JSON.parse(text), lossy: null })
  for (const text of ['"\\ud800"', '{"\\udc00":1}', '{', '']) expect(readJson(text)).toHaveProperty('fault')
  expect(readJson('"\\ud83d\\ude00"')).not.toHaveProperty('fault')
})

test('any value is read as JSON.parse reads it, and nothing that is written by JSON.stringify is lossy', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value)
      expect(readJson(text)).toEqual({ value: JSON.parse(text), lossy: null })
    }),
  )
})
