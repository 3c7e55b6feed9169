/** Where approvals of hooks stand (S50). */
import { expect, test } from 'vitest'
import { hooksFileOf } from '../../../engine/compose/approvals.ts'
import { SimDisk } from '../../sim/disk.ts'

test('approvals name the real path of the home, also of one that is still to be made', async () => {
  const disk = new SimDisk({ seed: 1 })
  disk.plantFolder('/private/tmp')
  disk.plantLink('/tmp', '/private/tmp')
  expect(await hooksFileOf(disk, '/tmp/a/codex')).toBe('/private/tmp/a/codex/hooks.json')
  disk.plantFolder('/private/tmp/a/codex')
  expect(await hooksFileOf(disk, '/tmp/a/codex')).toBe('/private/tmp/a/codex/hooks.json')
})
