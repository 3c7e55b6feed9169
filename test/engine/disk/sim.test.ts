/** The simulated disk passes the suite in both modes. */
import { SimDisk } from '../../sim/disk.ts'
import { diskSuite } from './suite.ts'

for (const windows of [false, true])
  diskSuite(windows ? 'simulated disk, Windows' : 'simulated disk, POSIX', async () => {
    const disk = new SimDisk({ windows })
    disk.plantFolder('/home/work')
    return {
      disk,
      dir: '/home/work',
      plantLink: (path, target) => disk.plantLink(path, target),
      plantFifo: (path) => disk.plantOther(path),
      plantSocket: (path) => disk.plantOther(path),
      obeysModes: !windows,
    }
  })
