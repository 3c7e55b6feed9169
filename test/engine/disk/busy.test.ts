/** Patience with busy files on Windows, on a simulated clock. */
import { expect, test } from 'vitest'
import { whileBusy } from '../../../engine/disk/busy.ts'
import { diskFault } from '../../../engine/disk/errno.ts'
import { busyRetriesMax, busyTotalMs } from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimIds } from '../../sim/ids.ts'

/** Fails `times` with `errno`, and tells how it ended and how often it was tried. */
async function attempt(times: number, errno: string, hopeless = false, seed = 1) {
  const clock = new SimClock()
  let tries = 0
  const ending = whileBusy(
    clock,
    new SimIds(seed),
    async () => {
      if (tries++ < times) throw diskFault(errno, 'rename', '/x')
    },
    async () => hopeless,
  ).then(
    () => 'done',
    (error: unknown) => error,
  )
  // Millisecond by millisecond, until nothing waits any more.
  do await clock.advance(1)
  while (clock.waiting > 0)
  return { ended: await ending, tries, tookMs: clock.monotonic() }
}

for (const errno of ['EBUSY', 'EPERM', 'EACCES'])
  test(`S37, Windows: ${errno} is waited out within ${busyTotalMs} ms`, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      expect(await attempt(3, errno, false, seed)).toMatchObject({ ended: 'done', tries: 4 })
      const never = await attempt(1000, errno, false, seed)
      expect(never.ended, `seed ${seed}`).toMatchObject({ facts: { errno } })
      expect(never.tries, `seed ${seed}`).toBeLessThanOrEqual(busyRetriesMax + 1)
      expect(never.tries, `seed ${seed}`).toBeGreaterThan(busyRetriesMax / 2)
      expect(never.tookMs, `seed ${seed}`).toBeLessThanOrEqual(busyTotalMs + 1)
      expect(never.tookMs, `seed ${seed}`).toBeGreaterThan(busyTotalMs / 2)
    }
  })

test('a folder in the way and every other failure are told at once', async () => {
  expect(await attempt(1, 'EPERM', true)).toMatchObject({ tries: 1, ended: { facts: { errno: 'EPERM' } } })
  expect(await attempt(1, 'ENOSPC')).toMatchObject({ tries: 1, ended: { code: 'disk-full' } })
})
