/** Where the folders lie: other programs that sync them, network file systems, and room. */
import { diskFullBytes, diskLowBytes } from '../../../schemas/limits-cli.ts'
import { size } from '../../ui/amount.ts'
import type { Facts } from '../facts.ts'
import { type Check, fault, warning } from '../finding.ts'

/** By the name of a folder on the way. */
const services: readonly (readonly [RegExp, string])[] = [
  [/^Dropbox(?: \(.*\))?$/, 'Dropbox'],
  [/^OneDrive(?: ?- .*)?$/, 'OneDrive'],
  [/^(?:iCloudDrive|iCloud Drive|Mobile Documents|com~apple~CloudDocs)$/, 'iCloud'],
  [/^(?:Google ?Drive|GoogleDrive-.*|My Drive)$/, 'Google Drive'],
  [/^Nextcloud$/, 'Nextcloud'],
  [/^ownCloud$/, 'ownCloud'],
]
const marks: Readonly<Record<string, string>> = {
  '.stfolder': 'Syncthing',
  '.dropbox.cache': 'Dropbox',
  '.nextcloudsync.log': 'Nextcloud',
  '.owncloudsync.log': 'ownCloud',
}

/** The program that keeps a folder in sync with other machines, as far as its path tells. */
function serviceOf(path: string): string | null {
  for (const name of path.split(/[\\/]/))
    for (const [form, service] of services) if (form.test(name)) return service
  return null
}

export const synced: Check = ({ place }) => {
  const marked = place.marks.map((path) => marks[path.split(/[\\/]/).at(-1) ?? ''] ?? null)
  const stemma =
    (place.realStemma && serviceOf(place.realStemma)) ?? marked.find((one) => one !== null) ?? null
  const codex = place.realCodex && serviceOf(place.realCodex)
  return [
    ...(stemma
      ? [
          fault('synced-folder', {
            title: `The stemma folder lies in a folder of ${stemma}.`,
            means: `${place.realStemma}: keys and log would be copied to other machines, which then are one machine to the master, and a log that changes under it is damage.`,
            todo: `Move it out of there, and point STEMMA_HOME at its new place.`,
          }),
        ]
      : []),
    ...(codex
      ? [
          warning('synced-home', {
            title: `The Codex home lies in a folder of ${codex}.`,
            means: `${place.realCodex}: two programs would bring changes to it, each on its own.`,
            todo: `Let one of them do it: move the home, and point CODEX_HOME at its new place.`,
          }),
        ]
      : []),
  ]
}

const networks =
  /^(?:nfs\d?|cifs|smb\d?|smbfs|afs|ceph|glusterfs|lustre|fuse\.(?:sshfs|rclone|glusterfs|s3fs|ceph))$/

/** The kind of the volume that a path lies on; null where it is not known. */
function volumeOf(path: string | null, mounts: Facts['place']['mounts']): string | null {
  let best = ''
  let kind: string | null = null
  for (const mount of mounts) {
    const inside = path !== null && (path === mount.at || path.startsWith(mount.at.replace(/\/?$/, '/')))
    // Of two at one place the later one lies above.
    if (!inside || mount.at.length < best.length) continue
    best = mount.at
    kind = mount.kind
  }
  return kind
}

export const network: Check = ({ place }) => {
  const kind = volumeOf(place.realStemma, place.mounts)
  if (kind === null || !networks.test(kind)) return []
  return [
    warning('network-folder', {
      title: 'The stemma folder lies on a network file system.',
      means: `${place.realStemma} is on ${kind}. The lock that keeps two writers apart holds for one machine only.`,
      todo: 'Use a local disk: move the folder, and point STEMMA_HOME at its new place.',
    }),
  ]
}

export const room: Check = ({ place }) => {
  const short = place.free.filter(({ bytes }) => bytes < diskLowBytes)
  const [worst] = [...short].sort((a, b) => a.bytes - b.bytes)
  if (!worst) return []
  const isFull = worst.bytes < diskFullBytes
  const words = {
    title: isFull ? 'The disk is full.' : 'The disk is nearly full.',
    means: `${size(worst.bytes)} are left for ${short.map(({ path }) => path).join(' and ')}.${isFull ? ' Nothing can be stored or brought in.' : ''}`,
    todo: 'Free some space on that disk. Nothing that was acknowledged is lost.',
  }
  return [isFull ? fault('disk-full', words) : warning('disk-low', words)]
}
