/** S41: what Codex 0.169 refuses to start with, each case as the real binary answered it. */
import { expect, test } from 'vitest'
import { judgeConfig, judgeNames } from '../../../engine/merge/judge.ts'
import { readToml } from '../../../engine/toml/toml.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { accepted, lacking, refused } from './cases.ts'

test.each(refused)('S41: %j is refused, and %s is named', (text, key) => {
  const why = judgeConfig(text)
  expect(why?.toLowerCase()).toContain(key.toLowerCase())
  expect(why).toMatch(/^[A-Z].*\.$/s)
  expect(why).not.toContain('s3cret')
})

test.each(lacking)('S41: %j is not judged by itself, and lacks %s', (text, key) => {
  expect(judgeConfig(text)).toBe(null)
  expect(namesOf(text)).toContain(key)
})

test.each(accepted)('S41: %j is accepted, and lacks nothing', (text) => {
  expect([judgeConfig(text), namesOf(text)]).toEqual([null, null])
})

function namesOf(text: string): string | null {
  const read = readToml(text)
  if (isRefusal(read)) throw new Error(read.why)
  return judgeNames(read.table)
}
