/** The simulator itself: what it must keep, what it must be able to lose, and that it is repeatable. */
import { describe, expect, test } from 'vitest'
import { type DiskFaultKind, PowerCut, SimDisk } from './disk.ts'

const seeds = Array.from({ length: 200 }, (_, seed) => seed)
const path = '/d/file'

const write = async (disk: SimDisk, to: string, content: Uint8Array | string, sync: boolean) => {
  const file = await disk.open(to, (await disk.stat(to)) ? 'edit' : 'create')
  await file.write([Buffer.from(content)], 0)
  if (sync) await file.sync()
  await file.close()
}
const withFile = (content: Uint8Array | string): SimDisk => {
  const disk = new SimDisk()
  disk.plantFile(path, content)
  return disk
}
const text = (disk: SimDisk, of = path): string => disk.peek(of)?.toString('latin1') ?? 'nothing'
/** Every state that some seed gives, told by `show`. */
const states = (disk: SimDisk, show: (after: SimDisk) => string, of = seeds): Set<string> =>
  new Set(of.map((seed) => show(disk.reboot(seed))))

describe('Q1: a power cut', () => {
  test('keeps what was synced, for every seed', async () => {
    const disk = new SimDisk()
    await disk.makeDir('/d')
    await disk.syncDir('/')
    await write(disk, path, 'x'.repeat(3000), true)
    await disk.rename(path, '/d/renamed')
    await disk.syncDir('/d')
    disk.cutPower()
    expect(states(disk, (after) => `${after.paths().join()} ${text(after, '/d/renamed').length}`)).toEqual(
      new Set(['/d/,/d/renamed 3000']),
    )
  })

  test('can lose or keep what was written and not synced, sector by sector', async () => {
    const disk = withFile('a'.repeat(2000))
    await write(disk, path, 'b'.repeat(2000), false)
    const found = states(disk, text)
    expect(found).toContain('a'.repeat(2000))
    expect(found).toContain('b'.repeat(2000))
    expect(found.size).toBeGreaterThan(4)
    for (const content of found) expect(content).toMatch(/^(a{512}|b{512}){3}(a{464}|b{464})$/)
  })

  test('can leave a length without its data, as zeros or garbage, and never touches what was durable', async () => {
    const disk = withFile('a'.repeat(700))
    const file = await disk.open(path, 'edit')
    await file.write([Buffer.alloc(2000, 'b')], 700)
    const found = [...states(disk, text)]
    for (const content of found) expect(content.slice(0, 700)).toBe('a'.repeat(700))
    expect(found).toContain('a'.repeat(700))
    expect(found).toContain('a'.repeat(700) + 'b'.repeat(2000))
    expect(found.some((content) => /^a+\0{2000}$/.test(content))).toBe(true)
    expect(found.some((content) => /[^ab\0]/.test(content))).toBe(true)
  })

  test('can lose or keep a truncation', async () => {
    const disk = withFile('a'.repeat(700))
    await (await disk.open(path, 'edit')).truncate(3)
    expect(states(disk, text)).toEqual(new Set(['aaa', 'a'.repeat(700)]))
  })

  test('can lose or keep a rename, and never the file', async () => {
    const disk = withFile('new')
    disk.plantFile('/d/target', 'old')
    await disk.rename(path, '/d/target')
    const found = states(disk, (after) => `${text(after)} ${text(after, '/d/target')}`)
    expect(found).toEqual(new Set(['new old', 'nothing new', 'new new']))
  })

  test('can lose a file that moved to a folder that was not synced, when the old folder was', async () => {
    const disk = withFile('x')
    disk.plantFolder('/e')
    await disk.rename(path, '/e/file')
    expect(states(disk, (after) => after.paths().join())).not.toContain('/d/,/e/')
    await disk.syncDir('/d')
    expect(states(disk, (after) => after.paths().join())).toEqual(new Set(['/d/,/e/', '/d/,/e/,/e/file']))
  })

  test('can lose or keep each new, linked and removed name, independently', async () => {
    const disk = withFile('x')
    disk.plantFile('/d/gone', 'x')
    await disk.makeDir('/d/sub')
    await write(disk, '/d/new', 'x', true)
    await disk.link(path, '/d/link')
    await disk.unlink('/d/gone')
    const found = states(
      disk,
      (after) => after.paths('/d').join(),
      Array(1000)
        .fill(0)
        .map((_, seed) => seed),
    )
    expect(found.size).toBe(16)
  })

  test('loses all that is in a folder whose own name was not synced', async () => {
    const disk = new SimDisk()
    await disk.makeDir('/d')
    await write(disk, path, 'x', true)
    await disk.syncDir('/d')
    expect(states(disk, (after) => after.paths().join())).toEqual(new Set(['', '/d/,/d/file']))
  })

  test('can lose or keep permissions', async () => {
    const disk = withFile('x')
    await disk.chmod(path, 0o600)
    const modes = new Set<number | undefined>()
    for (const seed of seeds) modes.add((await disk.reboot(seed).stat(path))?.mode)
    expect(modes).toEqual(new Set([0o644, 0o600]))
  })

  test('half done moves never leave a folder in two places, or one within itself', async () => {
    const disk = new SimDisk()
    disk.plantFolder('/a/b')
    disk.plantFolder('/c')
    await disk.rename('/a/b', '/c/b')
    await disk.rename('/a', '/c/b/a')
    for (const seed of seeds) {
      const names = disk.reboot(seed).paths()
      for (const name of ['a', 'b', 'c'])
        expect(names.filter((each) => each.endsWith(`/${name}/`)).length, `seed ${seed}`).toBe(1)
    }
  })

  test('the same seed leaves the same disk', async () => {
    const disk = withFile('a'.repeat(5000))
    await write(disk, path, 'b'.repeat(9000), false)
    for (const seed of seeds) expect(text(disk.reboot(seed))).toBe(text(disk.reboot(seed)))
  })
})

describe('planned faults', () => {
  const struck = async (fault: DiskFaultKind, seed = 1) => {
    const disk = withFile('a'.repeat(2000)).clone(seed)
    const file = await disk.open(path, 'edit')
    disk.failAt(disk.calls + 1, fault)
    const error = await file.write([Buffer.alloc(2000, 'b')], 0).catch((thrown: unknown) => thrown)
    return { disk, file, error }
  }

  test('an error strikes once, as a Fault of the real disk, and may leave a prefix behind', async () => {
    const lengths = new Set<number>()
    for (const seed of seeds) {
      const { disk, file, error } = await struck('ENOSPC', seed)
      expect(error).toMatchObject({ code: 'disk-full', facts: { errno: 'ENOSPC', path, call: 'write' } })
      expect(text(disk)).toMatch(/^b*a+$/)
      lengths.add(text(disk).indexOf('a'))
      await file.write([Buffer.from('c')], 0)
      expect(text(disk)[0]).toBe('c')
    }
    expect(lengths.size).toBeGreaterThan(50)
  })

  test('a crash before a call leaves it undone, one after it done; later calls fail the same way', async () => {
    const undone = await struck('crash-before')
    const done = await struck('crash-after')
    expect([text(undone.disk.restart())[0], text(done.disk.restart())[0]]).toEqual(['a', 'b'])
    for (const { disk, file, error } of [undone, done]) {
      expect(error).toBeInstanceOf(PowerCut)
      for (const act of [file.sync(), file.close(), disk.stat(path), disk.syncDir('/'), disk.unlink(path)])
        await expect(act).rejects.toBeInstanceOf(PowerCut)
    }
  })

  test('a torn write leaves a prefix or some sectors of itself, whatever else survives', async () => {
    const shapes = new Set<string>()
    for (const seed of seeds) {
      const { disk } = await struck('torn', seed)
      const content = text(disk.reboot(4 * seed))
      expect(content).toMatch(/^b*a*$|^(a{512}|b{512}){3}(a{464}|b{464})$/)
      shapes.add(content)
    }
    expect(shapes.size).toBeGreaterThan(20)
  })

  test('a failed sync is never healed by the next one: some changes are gone for good', async () => {
    const found = new Set<string>()
    for (const seed of seeds) {
      const disk = withFile('aaa').clone(seed)
      const file = await disk.open(path, 'edit')
      await file.write([Buffer.from('b')], 0)
      await file.write([Buffer.from('c')], 1)
      disk.failAt(disk.calls + 1, 'EIO')
      await expect(file.dataSync()).rejects.toMatchObject({ code: 'disk-io' })
      expect(text(disk)).toBe('bca')
      await file.dataSync()
      found.add(text(disk.reboot(0)))
    }
    expect(found).toEqual(new Set(['aaa', 'baa', 'aca', 'bca']))
  })

  test('a failed folder sync leaves each name durable or not', async () => {
    const found = new Set<string>()
    for (const seed of seeds) {
      const disk = withFile('').clone(seed)
      await disk.makeDir('/d/one')
      await disk.makeDir('/d/two')
      disk.failAt(disk.calls + 1, 'EIO')
      await expect(disk.syncDir('/d')).rejects.toMatchObject({ code: 'disk-io' })
      found.add(disk.reboot(0).paths('/d').join())
    }
    expect(found.size).toBe(4)
  })
})

describe('the rest of the simulator', () => {
  test('every call is counted and traced', async () => {
    const disk = withFile('x')
    const file = await disk.open(path, 'edit')
    await file.write([Buffer.from('y')], 0)
    await file.close()
    await file.close()
    await disk.stat('/none')
    expect(disk.trace).toEqual([
      { call: 'open', path },
      { call: 'write', path },
      { call: 'close', path },
      { call: 'stat', path: '/none' },
    ])
    expect(disk.calls).toBe(4)
  })

  test('copies do not see each other, and share what neither changed', async () => {
    const disk = withFile('x')
    const copy = disk.clone()
    await write(disk, path, '1', false)
    await write(copy, path, '2', false)
    await copy.unlink('/d/none')
    await copy.makeDir('/d/sub')
    expect([text(disk), text(copy)]).toEqual(['1', '2'])
    expect(disk.paths()).toEqual(['/d/', '/d/file'])
    const last = copy.clone()
    await copy.unlink(path)
    expect(text(last)).toBe('2')
  })

  test('a full disk takes what fits and gives it back when a file goes', async () => {
    const disk = new SimDisk({ capacityBytes: 1000 })
    const file = await disk.open('/a', 'create')
    await file.write([Buffer.alloc(600)], 0)
    await expect(file.write([Buffer.alloc(600)], 600)).rejects.toMatchObject({ code: 'disk-full' })
    expect((await file.stat()).size).toBe(1000)
    await file.write([Buffer.alloc(500)], 0)
    expect(await disk.freeBytes('/')).toBe(0)
    await file.truncate(100)
    expect(await disk.freeBytes('/')).toBe(900)
    await file.close()
    await disk.unlink('/a')
    expect(await disk.freeBytes('/')).toBe(1000)
  })

  test('thousands of files that come and go do not pile up', async () => {
    const disk = new SimDisk()
    for (let at = 0; at < 5000; at++) {
      await write(disk, `/f${at}`, 'x', true)
      await disk.unlink(`/f${at}`)
      if (at % 100 === 0) await disk.syncDir('/')
    }
    expect(disk.held).toBeLessThan(3000)
  })
})

describe('Windows mode', () => {
  const windows = (seed = 1) => {
    const disk = new SimDisk({ windows: true, seed })
    disk.plantFile(path, 'x')
    return disk
  }

  test('S37: open files cannot be renamed, replaced or removed, nor a folder above them renamed', async () => {
    const disk = windows()
    disk.plantFile('/d/other', 'y')
    const file = await disk.open(path, 'read')
    const busy = { code: 'disk-busy' }
    await expect(disk.rename(path, '/d/new')).rejects.toMatchObject(busy)
    await expect(disk.rename('/d/other', path)).rejects.toMatchObject(busy)
    await expect(disk.unlink(path)).rejects.toMatchObject(busy)
    await expect(disk.rename('/d', '/e')).rejects.toMatchObject({ facts: { errno: 'EPERM' } })
    await file.close()
    await disk.rename('/d/other', path)
    expect(text(disk)).toBe('y')
    await expect(disk.rename(path, '/d')).rejects.toMatchObject({ code: 'disk-denied' })
  })

  test('renames are refused now and then when asked for', async () => {
    const disk = new SimDisk({ windows: true, busyChance: 0.5 })
    let refused = 0
    await disk.makeDir('/0')
    for (let at = 0; at < 100; at++)
      await disk.rename('/0', '/0').catch(() => {
        refused++
      })
    expect(refused).toBeGreaterThan(20)
    expect(refused).toBeLessThan(80)
  })

  test('folders cannot be synced: new names are durable when the system likes, or with their file', async () => {
    const lost = new Set<boolean>()
    for (const seed of seeds) {
      const disk = windows(seed)
      await write(disk, '/d/new', 'x', false)
      await disk.syncDir('/d')
      const before = disk.calls
      lost.add(disk.reboot(0).peek('/d/new') === null)
      expect(before).toBe(disk.calls)
      await disk.makeDir('/d/deep')
      await write(disk, '/d/deep/file', 'x', true)
      for (const cut of [0, 1, 2, 3]) expect(text(disk.reboot(cut), '/d/deep/file'), `seed ${seed}`).toBe('x')
    }
    expect(lost).toEqual(new Set([true, false]))
  })
})
