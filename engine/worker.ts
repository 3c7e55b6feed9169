/**
 * The process that works behind a session of Codex: its number, in `<STEMMA_HOME>/worker`.
 * Always holds: it is a hint, written without a sync; one whose process is gone means nothing.
 */
import { awayBytesMax } from '../schemas/limits.ts'
import type { Disk } from './disk/disk.ts'
import { readFile, saveHint } from './disk/save.ts'

const pathOf = (stemmaHome: string) => `${stemmaHome}/worker`

/** Null when nobody is known to be at work. */
export async function loadWorker(disk: Disk, stemmaHome: string): Promise<number | null> {
  const bytes = await readFile(disk, pathOf(stemmaHome), awayBytesMax)
  return bytes !== null && /^[0-9]{1,10}$/.test(bytes.toString()) ? Number(bytes.toString()) : null
}

/** The last one to begin is the one to wait for. */
export const noteWorker = (disk: Disk, stemmaHome: string, pid: number): Promise<void> =>
  saveHint(disk, pathOf(stemmaHome), String(pid))

export async function dropWorker(disk: Disk, stemmaHome: string, pid: number): Promise<void> {
  if ((await loadWorker(disk, stemmaHome)) === pid) await disk.unlink(pathOf(stemmaHome))
}
