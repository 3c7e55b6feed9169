import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemIds } from '../../../engine/env/system.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { createRecoveryKey, formatRecoveryKey, parseRecoveryKey } from '../../../engine/keys/recovery.ts'
import { isRefusal } from '../../../schemas/fault.ts'

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const publicOf = (text: string) => {
  const parsed = parseRecoveryKey(text)
  return isRefusal(parsed) ? parsed.why : parsed.public.toString('hex')
}

test('N5: a recovery key is read back as what was printed', () => {
  const made = createRecoveryKey(systemIds)
  expect(made.text).toMatch(/^stemma-recovery-1(-[0-9A-HJKMNP-TV-Z]{4}){14}$/)
  expect(publicOf(made.text)).toBe(made.key.public.toString('hex'))
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(publicOf(formatRecoveryKey(seed))).toBe(signingKey(seed).public.toString('hex'))
    }),
    { numRuns: 30 },
  )
})

test('N5: the way people write it down does not matter', () => {
  const seed = Buffer.alloc(32, 1)
  const text = formatRecoveryKey(seed)
  const expected = signingKey(seed).public.toString('hex')
  const body = text.slice('stemma-recovery-1-'.length)
  for (const written of [
    text.toLowerCase(),
    ` ${text}\n`,
    `stemma-recovery-1-${body.replaceAll('-', ' ')}`,
    `stemma-recovery-1-${body.replaceAll('-', '')}`,
    `stemma-recovery-1-${body.replaceAll('0', 'O').replaceAll('1', 'l')}`,
  ])
    expect(publicOf(written)).toBe(expected)
})

test('N5: one wrong sign, or two that changed places, is told; what was typed is not repeated', () => {
  const body = formatRecoveryKey(Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7))).slice(18)
  const digits = body.replaceAll('-', '')
  for (let at = 0; at < digits.length; at++) {
    const other = digits[at] === 'Z' ? 'Y' : 'Z'
    const wrong = `stemma-recovery-1-${digits.slice(0, at)}${other}${digits.slice(at + 1)}`
    expect(publicOf(wrong)).toMatch(/^That is not a recovery key: a letter or digit in it is wrong\.$/)
    const [a = '', b = ''] = digits.slice(at, at + 2)
    if (a !== b && b !== '')
      expect(publicOf(`stemma-recovery-1-${digits.slice(0, at)}${b}${a}${digits.slice(at + 2)}`)).toMatch(
        /wrong/,
      )
  }
})

test.each([
  ['nothing', ''],
  ['the beginning alone', 'stemma-recovery-1-'],
  ['another version', `stemma-recovery-2-${'0'.repeat(56)}`],
  ['a letter that is not used', `stemma-recovery-1-${'U'.repeat(56)}`],
  ['too much', `stemma-recovery-1-${'0'.repeat(9999)}`],
  ['something else', 'x'.repeat(9999)],
])('N5: %s is refused', (_name, text) => expect(parseRecoveryKey(text)).toMatchObject({ refused: 'usage' }))
