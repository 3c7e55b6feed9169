/** A word that stands in every secret of the sweeps, and where it may lie. */
import { expect } from 'vitest'
import { codexHome, stemmaHome } from '../engine/machines.ts'
import type { SimDisk } from '../sim/disk.ts'

export const canary = 'sk-canary-4f9a'

/**
 * Nobody else can read a secret anywhere, or anything in the folder of stemma, where plain text lies only in what the
 * home displaced.
 */
export async function checkSecrecy(disk: SimDisk): Promise<void> {
  const wrong: string[] = []
  for (const path of disk.paths('/user')) {
    const holds = disk.peek(path)?.includes(canary) ?? false
    const isOurs = path.startsWith(`${stemmaHome}/`)
    if (holds && !path.startsWith(`${codexHome}/`) && !/\/backups\/[^/]+$/.test(path))
      wrong.push(`${path} holds a secret`)
    if (disk.windows || !(holds || isOurs)) continue
    const mode = (await disk.stat(path.replace(/\/$/, '')))?.mode ?? 0
    if ((mode & 0o077) !== 0) wrong.push(`${path} can be read by others: ${mode.toString(8)}`)
  }
  expect(wrong, 'what others can read').toEqual([])
}
