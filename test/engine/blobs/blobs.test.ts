/** The blob store: whole contents under their hashes, and names that are durable when they must be. */
import { describe, expect, test } from 'vitest'
import { Blobs } from '../../../engine/blobs/blobs.ts'
import { sha256Hex } from '../../../engine/crypto/hash.ts'
import { fileBytesMax } from '../../../schemas/limits.ts'
import type { Hash } from '../../../schemas/shape.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'

const dir = '/stemma/blobs'
async function newStore(disk = new SimDisk(), seed = 1) {
  disk.plantFolder('/stemma')
  const blobs = new Blobs(disk, new SimIds(seed), dir)
  await blobs.open()
  return { disk, blobs }
}
/** The next call of a kind waits, its work done (a listing) or not (a name), until it is let go. */
class SlowDisk extends SimDisk {
  readonly #held = new Map<string, { readonly reach: () => void; readonly gate: Promise<void> }>()

  hold(call: 'list' | 'rename') {
    let reach = () => {}
    let release = () => {}
    const reached = new Promise<void>((resolve) => {
      reach = resolve
    })
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#held.set(call, { reach, gate })
    return { reached, release }
  }

  override async list(path: string) {
    const found = await super.list(path)
    await this.#wait('list')
    return found
  }

  override async rename(from: string, to: string) {
    await this.#wait('rename')
    await super.rename(from, to)
  }

  async #wait(call: string): Promise<void> {
    const held = this.#held.get(call)
    this.#held.delete(call)
    held?.reach()
    await held?.gate
  }
}

const content = (n: number, bytes = 700) => Buffer.alloc(bytes, n)
const hashOf = (n: number, bytes?: number) => sha256Hex(content(n, bytes))
const kept = (disk: SimDisk) => disk.paths(dir).map((path) => path.slice(dir.length + 1))

test('what is put is read back whole, whatever its size and its pieces', async () => {
  const { blobs } = await newStore()
  for (const size of [0, 1, 1023, 262_144, 262_145, 600_000]) {
    const whole = content(size % 251, size)
    const pieces = [whole.subarray(0, size >> 1), Buffer.alloc(0), whole.subarray(size >> 1)]
    const stored = await blobs.put(pieces)
    expect(stored).toEqual({ hash: sha256Hex(whole), size })
    expect((await blobs.readWhole(stored.hash))?.equals(whole)).toBe(true)
    expect(await blobs.sizeOf(stored.hash)).toBe(size)
    expect(await blobs.isSound(stored.hash)).toBe(true)
  }
  expect(await blobs.has(hashOf(99))).toBe(false)
  expect(await blobs.sizeOf(hashOf(99))).toBeNull()
  await expect(blobs.readWhole(hashOf(99))).rejects.toMatchObject({ code: 'disk-missing' })
})

test('a content is stored once; putting it again leaves nothing behind', async () => {
  const { disk, blobs } = await newStore()
  await blobs.put([content(1)])
  await Promise.all([blobs.put([content(1)]), blobs.put([content(2)]), blobs.put([content(2)])])
  expect(kept(disk)).toEqual([hashOf(1), hashOf(2)].sort())
})

test('S26: another content than the one expected is refused and leaves nothing behind', async () => {
  const { disk, blobs } = await newStore()
  await expect(blobs.put([content(1)], hashOf(2))).rejects.toMatchObject({ code: 'bad-signature' })
  expect(kept(disk)).toEqual([])
})

test('Q3: a content without end is refused at the largest size that a file may have', async () => {
  const { disk, blobs } = await newStore()
  const piece = Buffer.alloc(16 * 1024 * 1024)
  let taken = 0
  function* endless() {
    for (;;) {
      taken += piece.length
      yield piece
    }
  }
  await expect(blobs.put(endless())).rejects.toMatchObject({ code: 'too-many' })
  expect(taken).toBe(fileBytesMax + piece.length)
  expect(kept(disk)).toEqual([])
})

test('a source that fails leaves nothing behind, and its failure is what is told', async () => {
  const { disk, blobs } = await newStore()
  async function* broken() {
    yield content(1)
    throw new Error('the link is gone')
  }
  await expect(blobs.put(broken())).rejects.toThrow('the link is gone')
  expect(kept(disk)).toEqual([])
})

test('a damaged content is set aside, never handed out as good, and can be put anew', async () => {
  const { disk, blobs } = await newStore()
  const { hash } = await blobs.put([content(1)])
  const spoiled = content(1)
  spoiled[500] = 0
  disk.plantFile(`${dir}/${hash}`, spoiled)
  expect(await blobs.readWhole(hash)).toBeNull()
  expect(kept(disk)).toEqual([`damaged-${hash}`])
  expect(await blobs.has(hash)).toBe(false)
  await blobs.put([content(1)], hash)
  expect(await blobs.isSound(hash)).toBe(true)
  // The damaged copy is of no more use: the next sweep takes it.
  expect(await blobs.sweep(new Set([hash]))).toBe(0)
  expect(kept(disk)).toEqual([hash])
})

test('a sweep keeps what is named and removes the rest, but nothing that is not a content', async () => {
  const { disk, blobs } = await newStore()
  for (const n of [1, 2, 3]) await blobs.put([content(n)])
  disk.plantFile(`${dir}/damaged-${hashOf(2)}`, 'x')
  disk.plantFile(`${dir}/damaged-${hashOf(4)}`, 'x')
  disk.plantFile(`${dir}/README`, 'mine')
  await disk.unlink(`${dir}/${hashOf(2)}`)
  expect(await blobs.sweep(new Set<Hash>([hashOf(1), hashOf(2)]))).toBe(1)
  expect(kept(disk)).toEqual(['README', `damaged-${hashOf(2)}`, hashOf(1)].sort())
})

test('opening removes what a crash left half written', async () => {
  const { disk, blobs } = await newStore()
  await blobs.put([content(1)])
  disk.plantFile(`${dir}/tmp-0123456789`, 'half')
  await newStore(disk, 2)
  expect(kept(disk)).toEqual([hashOf(1)])
})

describe('settle', () => {
  /** A disk on which a sync of the blob folder waits until it is let go. */
  class Slow extends SimDisk {
    readonly waiting: (() => void)[] = []
    override async syncDir(path: string): Promise<void> {
      if (path === dir) await new Promise<void>((resolve) => this.waiting.push(resolve))
      return super.syncDir(path)
    }
  }
  const turns = async () => {
    for (let i = 0; i < 50; i++) await Promise.resolve()
  }

  test('what is put while another settle is under way is not taken for settled', async () => {
    const slow = new Slow()
    const { blobs } = await newStore(slow)
    await blobs.put([content(1)])
    const first = blobs.settle()
    await turns()
    await blobs.put([content(2)])
    slow.waiting.shift()?.()
    await first
    const second = blobs.settle()
    await turns()
    expect(slow.waiting).toHaveLength(1)
    slow.waiting.shift()?.()
    await second
    expect(slow.waiting).toHaveLength(0)
  })

  test('a second settle does not return before the first has made the names durable', async () => {
    const slow = new Slow()
    const { blobs } = await newStore(slow)
    await blobs.put([content(1)])
    const ended: string[] = []
    const both = [blobs.settle(), blobs.settle().then(() => ended.push('second'))]
    await turns()
    expect(ended).toEqual([])
    slow.waiting.shift()?.()
    await turns()
    slow.waiting.shift()?.()
    await Promise.all(both)
    expect(ended).toEqual(['second'])
  })

  test('a settle that failed is not forgotten', async () => {
    const { disk, blobs } = await newStore()
    await blobs.put([content(1)])
    disk.failAt(disk.calls + 1, 'EIO')
    await expect(blobs.settle()).rejects.toMatchObject({ code: 'disk-io' })
    await blobs.settle()
    expect(disk.reboot(0).peek(`${dir}/${hashOf(1)}`)).not.toBeNull()
  })

  for (const windows of [false, true])
    test(`names that a killed run left are durable after a settle (${windows ? 'Windows' : 'POSIX'})`, async () => {
      const { disk, blobs } = await newStore(new SimDisk({ windows }))
      await blobs.put([content(1)])
      const { disk: next, blobs: again } = await newStore(disk.restart(), 2)
      await again.put([content(1)])
      await again.settle()
      expect(
        next
          .reboot(0)
          .peek(`${dir}/${hashOf(1)}`)
          ?.equals(content(1)),
      ).toBe(true)
    })
})

test('what is lacking is named once and in order; a damaged copy or a folder of that name is not a content', async () => {
  const { disk, blobs } = await newStore()
  await blobs.put([content(1)])
  await blobs.put([content(2)])
  disk.plantFolder(`${dir}/${hashOf(3)}`)
  disk.plantFile(`${dir}/${hashOf(4)}`, content(5))
  expect(await blobs.isSound(hashOf(4))).toBe(false)
  const wanted = [hashOf(4), hashOf(1), hashOf(3), hashOf(9), hashOf(4), hashOf(2)]
  expect(await blobs.lacking(wanted)).toEqual([hashOf(4), hashOf(3), hashOf(9)])
  expect(await blobs.lacking([])).toEqual([])
})

describe('what lies in the folder is listed once', () => {
  const listings = (disk: SimDisk) => disk.trace.filter(({ call }) => call === 'list').length

  test('own changes are known without another look; of several at once none is missed', async () => {
    const { disk, blobs } = await newStore()
    expect(await blobs.lacking([hashOf(1), hashOf(2)])).toEqual([hashOf(1), hashOf(2)])
    const before = listings(disk)
    for (const n of [1, 2, 3]) await blobs.put([content(n)])
    expect(await blobs.lacking([1, 2, 3, 4].map((n) => hashOf(n)))).toEqual([hashOf(4)])
    expect(await blobs.sweep(new Set([hashOf(1)]))).toBe(2)
    expect(await blobs.lacking([hashOf(1), hashOf(2)])).toEqual([hashOf(2)])
    expect(listings(disk)).toBe(before)
    await Promise.all([4, 5, 6].map((n) => blobs.put([content(n)])))
    expect(await blobs.lacking([1, 4, 5, 6, 7].map((n) => hashOf(n)))).toEqual([hashOf(7)])
    expect(kept(disk)).toEqual([hashOf(1), hashOf(4), hashOf(5), hashOf(6)].sort())
  })

  test('one that is put while the folder is listed, and another one behind it', async () => {
    const disk = new SlowDisk()
    const { blobs } = await newStore(disk)
    const renaming = disk.hold('rename')
    const second = blobs.put([content(2)])
    await renaming.reached
    const listing = disk.hold('list')
    const asked = blobs.lacking([hashOf(1)])
    await listing.reached
    await blobs.put([content(1)])
    listing.release()
    await asked
    renaming.release()
    await second
    expect(await blobs.lacking([hashOf(1), hashOf(2)])).toEqual([])
  })

  test('one that somebody else took away is found to be lacking, also right before a change of our own', async () => {
    let nowMs = 1000
    const { disk, blobs } = await newStore(new SimDisk({ now: () => nowMs++ }))
    for (const n of [1, 2, 3]) await blobs.put([content(n)])
    expect(await blobs.lacking([hashOf(1), hashOf(2), hashOf(3)])).toEqual([])
    await disk.unlink(blobs.pathOf(hashOf(1)))
    expect(await blobs.lacking([hashOf(1), hashOf(2), hashOf(3)])).toEqual([hashOf(1)])
    await disk.unlink(blobs.pathOf(hashOf(2)))
    await blobs.put([content(4)])
    expect(await blobs.lacking([hashOf(2), hashOf(3), hashOf(4)])).toEqual([hashOf(2)])
  })

  test('one that is gone where the times of a folder stand still is lacking once it was asked for', async () => {
    const { disk, blobs } = await newStore(new SimDisk({ now: () => 1000 }))
    await blobs.put([content(1)])
    expect(await blobs.lacking([hashOf(1)])).toEqual([])
    await disk.unlink(blobs.pathOf(hashOf(1)))
    await expect(blobs.readWhole(hashOf(1))).rejects.toMatchObject({ code: 'disk-missing' })
    expect(await blobs.lacking([hashOf(1)])).toEqual([hashOf(1)])
  })

  test('a change behind which the folder cannot be looked at is one, and the next look is anew', async () => {
    // Its last call: the name is given, and only the look at the folder behind it fails.
    const { disk, blobs } = await newStore()
    await blobs.put([content(1)])
    await blobs.lacking([])
    const calls = disk.calls
    await blobs.put([content(3)])
    const before = listings(disk)
    disk.failAt(2 * disk.calls - calls, 'EIO')
    expect(await blobs.put([content(2)])).toMatchObject({ hash: hashOf(2) })
    expect(await blobs.lacking([hashOf(1), hashOf(2), hashOf(4)])).toEqual([hashOf(4)])
    expect(listings(disk)).toBe(before + 1)
  })
})
