/** Where the sockets of a folder may lie, and whose word counts there. */
import { expect, test } from 'vitest'
import { askOwner } from '../../../transport/control/ask.ts'
import { findPlace, preparePlace } from '../../../transport/control/place.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk.ts'

const long = `/home/${'a'.repeat(90)}/stemma`

async function folderOf(disk: SimDisk): Promise<string> {
  disk.plantFolder(long, 0o700)
  const place = await findPlace(disk, long, null)
  if (place?.kind !== 'folder') throw new Error('a long path has a folder of its own')
  return place.folder
}

test('T19: nobody is asked in a folder that others may enter', async () => {
  const disk = new SimDisk()
  const folder = await folderOf(disk)
  expect(folder.startsWith('/tmp/')).toBe(true)
  const ask = () =>
    askOwner(
      long,
      { cmd: 'link' },
      { disk, clock: new SimClock(), uid: null, signal: new AbortController().signal },
    )
  disk.plantFolder('/tmp')
  expect(await ask()).toBeNull()
  disk.plantFolder(folder, 0o755)
  await expect(ask()).rejects.toMatchObject({ code: 'disk-denied' })
  await expect(preparePlace(disk, folder, null)).rejects.toMatchObject({ code: 'disk-denied' })
})
