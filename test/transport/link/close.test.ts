import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Code, codes } from '../../../schemas/code.ts'
import { Fault } from '../../../schemas/fault.ts'
import { closeFault, closeOf, closeStatus, closeText, readClose } from '../../../transport/link/close.ts'

/** What concerns one machine only, and would be acted upon on the wrong one. */
const own = (Object.keys(codes) as Code[]).filter((code) =>
  /^(?:disk-|log-|keys-|blob-|ledger-|bad-|not-|wrong-|already-|home-|no-|port-|address-|unknown-|demo-)/.test(
    code,
  ),
)
const shared = [
  'revoked',
  'fork',
  'rollback',
  'other-log',
  'protocol',
  'timed-out',
  'too-many',
  'refused',
] as const

test('S22: a shared code travels, with as much of the reason as fits', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...shared, 'gone' as const),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      (code, why) => {
        const text = closeText({ code, why })
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(123)
        expect(`${code} ${why}`.startsWith(text)).toBe(true)
        const read = readClose(closeStatus, text)
        expect(read.code).toBe(code)
        expect(read.why).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
        expect(closeFault(read).code).toBe(code === 'gone' ? 'unreachable' : code)
      },
    ),
  )
})

test.each(own.filter((code) => code !== 'bad-signature'))(
  'Q3: the trouble that one machine has with itself (%s) is neither told to another nor believed of it',
  (code) => {
    expect(closeOf(new Fault(code, 'The file /home/me/.stemma/log is broken.'))).toEqual({
      code: 'gone',
      why: 'The other side has trouble of its own.',
    })
    expect(readClose(closeStatus, closeText({ code, why: 'I say so' })).code).toBe('gone')
    expect(closeFault(readClose(closeStatus, closeText({ code, why: 'I say so' }))).code).toBe('unreachable')
  },
)

test('Q3: a bug is not told to another machine either', () => {
  expect(closeOf(new Error('bug: secret')).why).not.toContain('secret')
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
