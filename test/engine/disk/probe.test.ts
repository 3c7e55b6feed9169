/** Folding is found out by looking, on simulated disks of both kinds. */
import { expect, test } from 'vitest'
import { probeFolding } from '../../../engine/disk/probe.ts'
import { SimDisk } from '../../sim/disk.ts'

for (const windows of [false, true])
  test(`T16: a name in the other case tells (${windows ? 'Windows' : 'POSIX'})`, async () => {
    const disk = new SimDisk({ windows })
    expect(await probeFolding(disk, '/')).toBeNull()
    disk.plantFile('/1/2', '')
    expect(await probeFolding(disk, '/1/none/deeper')).toBeNull()
    disk.plantFile('/1/a', '')
    for (const dir of ['/1', '/1/2', '/1/none']) expect(await probeFolding(disk, dir)).toBe(windows)
  })

test('T16: two names that differ in case, or two names of one file, show that case is kept', async () => {
  const disk = new SimDisk()
  disk.plantFile('/a', '')
  await disk.link('/a', '/A')
  expect(await probeFolding(disk, '/')).toBe(false)
})

test('T16: a folder that may not be read is passed over', async () => {
  const disk = new SimDisk()
  disk.plantFolder('/home/1')
  await disk.chmod('/home', 0o100)
  expect(await probeFolding(disk, '/home/1')).toBe(false)
})
