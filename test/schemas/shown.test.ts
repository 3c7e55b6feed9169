/** What of an event may be shown. */
import { expect, test } from 'vitest'
import { shownBody } from '../../schemas/event/index.ts'

test('Q5: sealed fields are shown by their length alone, keys and hashes in hex', () => {
  const canary = Buffer.from('canary-canary-canary')
  const follower = new Uint8Array(32).fill(7)
  const shown = shownBody({ type: 'epoch.granted', body: { epoch: 3, follower, sealed: canary } })
  expect(shown).toEqual({ epoch: 3, follower: '07'.repeat(32), sealed: '[20 bytes]' })
  expect(JSON.stringify(shown)).not.toContain(canary.toString('hex'))
})
