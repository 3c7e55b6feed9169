/** What interrupted saves left behind. Only where nobody works in the folder: else it is in use. */
import { join } from 'node:path'
import type { Disk } from '../../../engine/disk/disk.ts'
import type { Homes } from '../../../engine/settings/homes.ts'
import type { Facts } from '../facts.ts'
import { attempt } from './attempt.ts'

/** By folder: how what is half written is called there. */
const halves: readonly (readonly [string, RegExp])[] = [
  ...['', 'keys', 'apply', 'backups', 'evidence'].map((folder) => [folder, /^\.tmp-/] as const),
  ['log', /^(?:\.tmp-|new-)/],
  ['blobs', /^tmp-/],
]

export async function findLeftovers(
  disk: Disk,
  { stemmaHome, codexHome }: Homes,
  role: Facts['role'],
): Promise<string[]> {
  // Whose a folder is has to be known before anything in it is called a leftover.
  if (role !== 'master' && role !== 'follower') return []
  const found: string[] = []
  for (const [folder, form] of halves) {
    const at = join(stemmaHome, folder)
    const entries = (await attempt(() => disk.list(at))).got ?? []
    for (const { name, kind } of entries) if (kind === 'file' && form.test(name)) found.push(join(at, name))
  }
  const stage = join(codexHome, '.stemma-stage')
  if (role === 'follower' && (await attempt(() => disk.stat(stage))).got) found.push(stage)
  return found
}
