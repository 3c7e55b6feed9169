/**
 * The card: all that the session hook needs to ask the master one question, in one small file, so that it neither
 * opens the log nor parses TOML. Written after every contact.
 * Always holds: a missing or damaged card only means that the hook leaves the work to a sync; nothing is trusted for
 * standing on it but what the log and the pin said when it was written.
 */
import { cardBytesMax } from '../schemas/limits.ts'
import { count, hash, v } from '../schemas/shape.ts'
import type { Disk } from './disk/disk.ts'
import { readFile, saveFile } from './disk/save.ts'
import type { Ids } from './env/ids.ts'

const shape = v.strictObject({
  host: v.string(),
  port: count,
  fingerprint: hash,
  logId: v.string(),
  logKey: hash,
  /** The newest stored head: its entry and the hash of it. */
  seq: count,
  entry: hash,
  /** Everything stored is in the home as well. */
  applied: v.boolean(),
  /** The master was not reachable: nobody waits for it again before this moment. */
  awayUntilMs: count,
})
export type Card = v.InferOutput<typeof shape>

const pathOf = (stemmaHome: string) => `${stemmaHome}/card.json`

export async function loadCard(disk: Disk, stemmaHome: string): Promise<Card | null> {
  const bytes = await readFile(disk, pathOf(stemmaHome), cardBytesMax)
  if (bytes === null) return null
  try {
    const parsed = v.safeParse(shape, JSON.parse(bytes.toString()))
    return parsed.success ? parsed.output : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

export const saveCard = (disk: Disk, ids: Ids, stemmaHome: string, card: Card): Promise<void> =>
  saveFile(disk, ids, pathOf(stemmaHome), Buffer.from(JSON.stringify(card)), 0o600)
