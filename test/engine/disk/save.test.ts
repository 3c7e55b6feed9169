/** Saved files, and folders made or removed whole: on simulated disks, through every fault of every call. */
import { describe, expect, test } from 'vitest'
import { readFile, saveFile, sweepTemps, tempMark } from '../../../engine/disk/save.ts'
import { makeDirs, removeTree } from '../../../engine/disk/tree.ts'
import type { Ids } from '../../../engine/env/ids.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'
import { type Swept, sweep } from '../../sim/sweep.ts'

const path = '/home/.stemma/state'
/** Contents of several sectors, told apart by their first byte. */
const content = (round: number): Buffer => Buffer.alloc(700 + 400 * round, 65 + round)

type Save = (disk: SimDisk, ids: Ids, path: string, bytes: Uint8Array, permissions: number) => Promise<void>

/** Three saves over an old file; each must be there whole once `save` has returned. */
const sweepSave = (save: Save, windows: boolean, seed = 1): Promise<Swept> =>
  sweep<number>({
    name: 'saveFile',
    seed,
    windows,
    prepare: async (disk) => disk.plantFile(path, content(0)),
    run: async (disk, world) => {
      for (let round = 1; round <= 3; round++) {
        await save(disk, world.ids, path, content(round), 0o600)
        world.acked.push(round)
      }
    },
    check: async (disk, { acked }) => {
      const found = disk.peek(path)
      const rounds = [0, 1, 2, 3].filter((round) => found?.equals(content(round)))
      expect(rounds, 'the content is that of one save').toHaveLength(1)
      expect(rounds[0], 'no acknowledged save is lost').toBeGreaterThanOrEqual(Math.max(0, ...acked))
      await sweepTemps(disk, '/home/.stemma')
      expect(disk.paths('/home/.stemma')).toEqual([path])
    },
  })

/** The save with one of its steps left out. */
const careless =
  (without: 'sync' | 'syncDir' | 'temp'): Save =>
  async (disk, ids, to, bytes, permissions) => {
    const temp = without === 'temp' ? to : `/home/.stemma/${tempMark}${ids.name()}`
    if (without === 'temp') await disk.unlink(to)
    const file = await disk.open(temp, 'create', permissions)
    try {
      await file.write([bytes], 0)
      if (without !== 'sync') await file.sync()
    } finally {
      await file.close()
    }
    if (without !== 'temp') await disk.rename(temp, to)
    if (without !== 'syncDir') await disk.syncDir('/home/.stemma')
  }

describe('Q1, S37: saveFile', () => {
  for (const windows of [false, true])
    for (const seed of [1, 2, 3])
      test(`leaves the old or the new file at every fault (${windows ? 'Windows' : 'POSIX'}, seed ${seed})`, async () => {
        const { calls, runs } = await sweepSave(saveFile, windows, seed)
        expect(runs).toBe(1 + calls * 7)
      })

  for (const without of ['sync', 'syncDir', 'temp'] as const)
    test(`the sweep catches a save without its ${without}`, async () => {
      await expect(sweepSave(careless(without), false)).rejects.toThrow(/saveFile: .* seed 1/)
    })

  test('the sweep catches a save on Windows whose name is not carried to the disk', async () => {
    await expect(sweepSave(careless('syncDir'), true)).rejects.toThrow(/saveFile on Windows: .* seed 1/)
  })

  test('removes its temporary file when it fails, and says why it failed', async () => {
    const disk = new SimDisk({ capacityBytes: 100 })
    disk.plantFile(path, 'old')
    const failed = saveFile(disk, new SimIds(), path, Buffer.alloc(500), 0o600)
    await expect(failed).rejects.toMatchObject({ code: 'disk-full' })
    expect(disk.paths('/home/.stemma')).toEqual([path])
    expect(disk.peek(path)?.toString()).toBe('old')
  })

  test('T15: replaces a planted link instead of following it', async () => {
    const disk = new SimDisk()
    disk.plantFile('/etc/target', 'theirs')
    disk.plantLink(path, '/etc/target')
    await saveFile(disk, new SimIds(), path, Buffer.from('ours'), 0o600)
    expect(disk.peek('/etc/target')?.toString()).toBe('theirs')
    expect(disk.peek(path)?.toString()).toBe('ours')
  })
})

describe('readFile', () => {
  test('reads whole files up to its bound, and no more', async () => {
    const disk = new SimDisk()
    for (const size of [0, 1, 4096, 100_000]) {
      disk.plantFile(path, Buffer.alloc(size, 1))
      expect((await readFile(disk, path, 100_000))?.equals(Buffer.alloc(size, 1))).toBe(true)
    }
    await expect(readFile(disk, path, 99_999)).rejects.toMatchObject({ code: 'too-many' })
  })

  test('gives null for what is not there, and a fault for what is no file', async () => {
    const disk = new SimDisk()
    disk.plantFile(path, 'x')
    disk.plantFolder('/home/folder')
    expect(await readFile(disk, '/home/none', 10)).toBeNull()
    expect(await readFile(disk, `${path}/below`, 10)).toBeNull()
    await expect(readFile(disk, '/home/folder', 10)).rejects.toMatchObject({ code: 'disk-denied' })
  })

  test('a file that grows while it is read stays within the bound', async () => {
    const disk = new SimDisk()
    disk.plantFile(path, 'x')
    const stat = disk.statOf
    disk.statOf = (node) => ({ ...stat.call(disk, node), size: 0 })
    disk.plantFile(path, Buffer.alloc(5000, 2))
    expect((await readFile(disk, path, 5000))?.length).toBe(5000)
    await expect(readFile(disk, path, 4999)).rejects.toMatchObject({ code: 'too-many' })
  })
})

describe('makeDirs', () => {
  for (const windows of [false, true])
    test(`Q1: a file saved in a new folder survives (${windows ? 'Windows' : 'POSIX'})`, async () => {
      await sweep<string>({
        name: 'makeDirs',
        windows,
        prepare: async (disk) => disk.plantFolder('/home'),
        run: async (disk, world) => {
          await makeDirs(disk, '/home/a/b/c', 0o700)
          await saveFile(disk, world.ids, '/home/a/b/c/file', content(1), 0o600)
          world.acked.push('file')
        },
        check: async (disk, { acked, world, after }) => {
          if (acked.length > 0 && after !== 'again')
            expect(disk.peek('/home/a/b/c/file')?.equals(content(1))).toBe(true)
          // The next start of the same work ends well, whatever this one left, and is as durable.
          if (after === 'again') return expect(disk.peek('/home/a/b/c/next')?.equals(content(2))).toBe(true)
          await makeDirs(disk, '/home/a/b/c', 0o700)
          await saveFile(disk, world.ids, '/home/a/b/c/next', content(2), 0o600)
        },
      })
    })

  test('refuses what is in the way, and goes through a link above', async () => {
    const disk = new SimDisk()
    disk.plantFile('/home/a', '')
    disk.plantFolder('/home/real')
    disk.plantLink('/home/soft', 'real')
    disk.plantLink('/home/lost', 'none')
    await makeDirs(disk, '/home/soft/x/y')
    expect(disk.paths('/home/real')).toEqual(['/home/real/x/', '/home/real/x/y/'])
    await expect(makeDirs(disk, '/home/a')).rejects.toMatchObject({ code: 'disk-denied' })
    await expect(makeDirs(disk, '/home/a/b')).rejects.toMatchObject({ code: 'disk-denied' })
    await expect(makeDirs(disk, '/home/soft')).rejects.toMatchObject({ code: 'disk-denied' })
    await expect(makeDirs(disk, '/home/lost/x')).rejects.toMatchObject({ code: 'disk-missing' })
  })

  test('a folder above that may not be read is no reason to fail', async () => {
    const disk = new SimDisk()
    disk.plantFolder('/home/me')
    await disk.chmod('/home', 0o100)
    await makeDirs(disk, '/home/me', 0o700)
    await makeDirs(disk, '/home/me/.stemma', 0o700)
    expect(disk.paths('/home/me')).toEqual(['/home/me/.stemma/'])
  })
})

describe('removeTree', () => {
  test('T15: removes links, never what they lead to', async () => {
    const disk = new SimDisk()
    disk.plantFile('/theirs/file', 'x')
    disk.plantFile('/home/t/a/b/c', 'x')
    disk.plantFile('/home/t/d', 'x')
    disk.plantLink('/home/t/a/link', '/theirs')
    disk.plantLink('/home/t/file', '/theirs/file')
    disk.plantOther('/home/t/socket')
    await removeTree(disk, '/home/t')
    expect(disk.paths()).toEqual(['/home/', '/theirs/', '/theirs/file'])
    await removeTree(disk, '/home/t')
    disk.plantLink('/home/way', '/theirs')
    await removeTree(disk, '/home/way')
    expect(disk.paths()).toEqual(['/home/', '/theirs/', '/theirs/file'])
  })
})
