/** Parting from what is damaged, whatever it is: it is kept under another name, and the next join begins anew. */
import { describe, expect, test } from 'vitest'
import { forgetDamaged } from '../../engine/aside.ts'
import { assert } from '../../schemas/fault.ts'
import { followerHome, join, type Machine, openFollower, pair } from './world.ts'

/** A closed copy. */
async function closed() {
  const { master, here, follower } = await pair()
  const { id } = follower
  await follower.close()
  return { master, here, id }
}
const kept = ({ disk }: Machine) =>
  disk
    .paths(followerHome)
    .filter((path) => /\.damaged-\d{8}T\d{9}Z\/./.test(path))
    .map((path) => path.replace(/\.damaged-[^/]*/, ''))
    .sort()
const segmentOf = ({ disk }: Machine): string => {
  const path = disk.paths(followerHome).find((one) => one.endsWith('.seg'))
  assert(path, 'a log has a segment')
  return path
}
function spoil({ disk }: Machine, path: string): Buffer {
  const bytes = Buffer.from(disk.peek(path) ?? '')
  bytes.write('XXXX', 200)
  disk.plantFile(path, bytes)
  return bytes
}

describe('Q2, S60: what is damaged', () => {
  test('a log is a copy with a cure of its own; it is kept, and a fresh one takes its place', async () => {
    const { master, here, id } = await closed()
    const path = segmentOf(here)
    const bytes = spoil(here, path)
    await expect(openFollower(here)).rejects.toMatchObject({
      code: 'copy-damaged',
      hint: expect.stringContaining('`stemma follower leave`'),
    })
    const names = await forgetDamaged({ ...here, stemmaHome: followerHome })
    expect(kept(here)).toEqual([path])
    // Durable, and out of the way.
    const disk = here.disk.reboot(0)
    const aside = path.replace(`${followerHome}/log`, names[0] ?? '')
    expect(disk.peek(aside)?.equals(bytes)).toBe(true)
    const again = await openFollower({ ...here, disk })
    expect([again.head, again.id]).toEqual([null, id])
    await join(master, again)
    expect(again.state && (await again.missing(again.state))).toEqual([])
    await again.close()
  })

  test('a key that is damaged takes the others along: together they were a machine', async () => {
    const { here, id } = await closed()
    here.disk.plantFile(`${followerHome}/keys/seal.key`, 'x', 0o600)
    await expect(openFollower(here)).rejects.toMatchObject({ code: 'keys-damaged' })
    const names = await forgetDamaged({ ...here, stemmaHome: followerHome })
    expect(names).toHaveLength(1)
    expect(kept(here)).toEqual(['node', 'seal'].map((role) => `${followerHome}/keys/${role}.key`))
    expect(here.disk.paths(followerHome).filter((path) => path.endsWith('.seg'))).toEqual([])
    const again = await openFollower({ ...here, disk: here.disk.reboot(0) })
    expect(again.id).not.toBe(id)
    await again.close()
  })

  test('a log and keys that are sound: nothing is kept of the one, and the other stays', async () => {
    const { here, id } = await closed()
    expect(await forgetDamaged({ ...here, stemmaHome: followerHome })).toEqual([])
    expect(kept(here)).toEqual([])
    const again = await openFollower(here)
    expect([again.head, again.id]).toEqual([null, id])
    await again.close()
  })

  test('cut off and begun anew, it ends the same', async () => {
    const { here } = await closed()
    const path = segmentOf(here)
    spoil(here, path)
    for (let call = 1; ; call++) {
      const disk = here.disk.clone(call)
      disk.failAt(call, 'EIO')
      const place = { ...here, stemmaHome: followerHome }
      const done = await forgetDamaged({ ...place, disk }).catch(() => null)
      const next = disk.restart()
      await forgetDamaged({ ...place, disk: next })
      expect(kept({ ...here, disk: next }), `call ${call}`).toEqual([path])
      const again = await openFollower({ ...here, disk: next })
      expect(again.head).toBeNull()
      await again.close()
      if (done && call > 40) break
    }
  })
})
