/** U4: a disk that only reads shows what is there, and nothing that is done on it is done. */
import { expect, test } from 'vitest'
import type { Disk } from '../../../engine/disk/disk.ts'
import { DryDisk } from '../../../engine/disk/dry.ts'
import { readFile, saveFile } from '../../../engine/disk/save.ts'
import { makeDirs, removeTree } from '../../../engine/disk/tree.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'

test('what is there is read; whatever would change it leaves it as it is', async () => {
  const disk = new SimDisk({ seed: 1 })
  disk.plantFile('/home/a', Buffer.from('old'))
  disk.plantFile('/home/folder/b', Buffer.from('b'))
  const before = disk.paths('/')
  const dry: Disk = new DryDisk(disk)
  const ids = new SimIds(1)
  expect((await readFile(dry, '/home/a', 100))?.toString()).toBe('old')
  expect(await dry.list('/home')).toEqual(await disk.list('/home'))
  expect(await dry.stat('/home/a')).toEqual(await disk.stat('/home/a'))
  expect(await dry.realPath('/home/a')).toBe('/home/a')
  await saveFile(dry, ids, '/home/a', Buffer.from('new'), 0o600)
  await saveFile(dry, ids, '/home/c', Buffer.from('new'), 0o600)
  await makeDirs(dry, '/home/d/e', 0o700)
  await removeTree(dry, '/home/folder')
  await dry.chmod('/home/a', 0o777)
  await dry.rename('/home/a', '/home/z')
  await dry.link('/home/a', '/home/y')
  const file = await dry.open('/home/a', 'edit')
  await file.write([Buffer.from('x')], 0)
  await file.truncate(0)
  await file.sync()
  await file.dataSync()
  await file.close()
  expect(disk.paths('/')).toEqual(before)
  expect(disk.peek('/home/a')?.toString()).toBe('old')
  expect((await disk.stat('/home/a'))?.mode).toBe((await dry.stat('/home/a'))?.mode)
  await expect(dry.open('/home/none', 'edit')).rejects.toMatchObject({ code: 'disk-missing' })
})
