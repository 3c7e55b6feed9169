import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Code, codes } from '../../../schemas/code.ts'
import { closeFault, closeStatus, closeText, readClose } from '../../../transport/link/close.ts'

const all = [...(Object.keys(codes) as Code[]), 'gone'] as const

test('S22: every code travels, with as much of the reason as fits', () => {
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.string({ unit: 'grapheme', maxLength: 200 }), (code, why) => {
      const text = closeText({ code, why })
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(123)
      expect(`${code} ${why}`.startsWith(text)).toBe(true)
      const read = readClose(closeStatus, text)
      expect(read.code).toBe(code)
      expect(read.why).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
      expect(closeFault(read).code).toBe(code === 'gone' ? 'unreachable' : code)
    }),
  )
})

test.each([
  [closeStatus, 'nonsense and more', 'gone'],
  [closeStatus, '', 'gone'],
  [closeStatus, 'constructor x', 'gone'],
  [1000, 'revoked liar', 'gone'],
  [1006, '', 'gone'],
  [1002, '', 'protocol'],
  [1009, '', 'protocol'],
])('S22: status %i with %j reads as %s', (status, text, code) => {
  expect(readClose(status, text).code).toBe(code)
})
