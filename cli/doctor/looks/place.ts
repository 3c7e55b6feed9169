/** Where the two homes lie, who may enter, and how much room there is. */
import { dirname, join } from 'node:path'
import type { Disk } from '../../../engine/disk/disk.ts'
import { readFile } from '../../../engine/disk/save.ts'
import { mountsBytesMax } from '../../../schemas/limits-cli.ts'
import { findPlace } from '../../../transport/control/place.ts'
import type { Context } from '../../context.ts'
import type { PlaceFacts } from '../facts.ts'
import { attempt } from './attempt.ts'

/** What programs that sync folders leave in the topmost one. */
const syncMarks = ['.stfolder', '.dropbox.cache', '.nextcloudsync.log', '.owncloudsync.log']

export async function lookAtPlace({ homes, uid }: Context, disk: Disk): Promise<PlaceFacts> {
  const { stemmaHome, codexHome } = homes
  const real = async (path: string) => (await attempt(() => disk.realPath(path))).got
  const realStemma = await real(stemmaHome)
  return {
    owned: realStemma === null ? [] : await lookAtOwned(disk, realStemma, uid),
    realStemma,
    realCodex: await real(codexHome),
    marks: await findMarks(disk, realStemma),
    mounts: await readMounts(disk),
    free: await lookAtRoom(disk, [stemmaHome, codexHome]),
    hasModes: !disk.windows,
  }
}

async function lookAtOwned(disk: Disk, home: string, uid: number | null): Promise<PlaceFacts['owned']> {
  const { got: place } = await attempt(() => findPlace(disk, home, uid))
  const sockets = place?.kind === 'folder' ? place.folder : join(home, 'run')
  const keys = join(home, 'keys')
  const files = (await attempt(() => disk.list(keys))).got ?? []
  const wanted = [
    ...[home, sockets, keys].map((path) => ({ path, wanted: 0o700 })),
    ...files
      .filter(({ kind, name }) => kind === 'file' && name.endsWith('.key'))
      .map(({ name }) => ({ path: join(keys, name), wanted: 0o600 })),
  ]
  const owned: PlaceFacts['owned'][number][] = []
  for (const one of wanted) {
    const { got: stat } = await attempt(() => disk.stat(one.path))
    if (stat) owned.push({ ...one, mode: stat.mode, uid: stat.uid ?? null })
  }
  return owned
}

async function findMarks(disk: Disk, from: string | null): Promise<string[]> {
  const found: string[] = []
  for (let at = from; at !== null; at = dirname(at) === at ? null : dirname(at))
    for (const mark of syncMarks) {
      const path = join(at, mark)
      if ((await attempt(() => disk.stat(path))).got) found.push(path)
    }
  return found
}

/** Linux has the list in a file; elsewhere it is not known. */
async function readMounts(disk: Disk): Promise<PlaceFacts['mounts']> {
  const { got } = await attempt(() => readFile(disk, '/proc/self/mounts', mountsBytesMax))
  return (got?.toString() ?? '').split('\n').flatMap((line) => {
    const [, at, kind] = line.split(' ')
    return at && kind ? [{ at: plain(at), kind }] : []
  })
}

/** Spaces and the like are written as octal numbers. */
const plain = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** On the volume of each home, or of where it will be. */
async function lookAtRoom(disk: Disk, homes: readonly string[]): Promise<PlaceFacts['free']> {
  const free: PlaceFacts['free'][number][] = []
  for (const path of homes) {
    let at = path
    while ((await attempt(() => disk.stat(at))).got === null && dirname(at) !== at) at = dirname(at)
    const { got: bytes } = await attempt(() => disk.freeBytes(at))
    if (bytes !== null) free.push({ path, bytes })
  }
  return free
}
