/** What interrupted saves left behind. Only where nobody works in the folder: else it is in use. */
import { join } from 'node:path'
import type { Disk } from '../../../engine/disk/disk.ts'
import type { Homes } from '../../../engine/settings/homes.ts'
import { attempt } from './attempt.ts'

/** By folder: how what is half written is called there. */
const halves: readonly (readonly [string, RegExp])[] = [
  ...['', 'keys', 'apply', 'backups', 'evidence'].map((folder) => [folder, /^\.tmp-/] as const),
  ['log', /^(?:\.tmp-|new-)/],
  ['blobs', /^tmp-/],
]

export async function findLeftovers(disk: Disk, { stemmaHome, codexHome }: Homes): Promise<string[]> {
  const found: string[] = []
  for (const [folder, form] of halves) {
    const at = join(stemmaHome, folder)
    const entries = (await attempt(() => disk.list(at))).got ?? []
    for (const { name, kind } of entries) if (kind === 'file' && form.test(name)) found.push(join(at, name))
  }
  const stage = join(codexHome, '.stemma-stage')
  if ((await attempt(() => disk.stat(stage))).got) found.push(stage)
  return found
}
