/** S41: what Codex 0.169 refuses to start with, each case as the real binary answered it. */
import { expect, test } from 'vitest'
import { judgeConfig } from '../../../engine/merge/judge.ts'
import { accepted, refused } from './cases.ts'

test.each(refused)('S41: %j is refused, and %s is named', (text, key) => {
  const why = judgeConfig(text)
  expect(why?.toLowerCase()).toContain(key.toLowerCase())
  expect(why).toMatch(/^[A-Z].*\.$/s)
  expect(why).not.toContain('s3cret')
})

test.each(accepted)('S41: %j is accepted', (text) => expect(judgeConfig(text)).toBe(null))
