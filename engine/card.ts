/**
 * The card: all that the session hook needs to ask the master one question, in one small file, so that it neither
 * opens the log nor parses TOML. Written after every contact and every apply.
 * Always holds: a missing or damaged card only means that the hook leaves the work to a sync; what it says of the log
 * was verified when it was written. Read by hand, since a validator of shapes would take longer to load than the hook
 * may run.
 */
import { type Hash, isHash } from '../schemas/hash.ts'
import { cardBytesMax } from '../schemas/limits.ts'
import type { Disk } from './disk/disk.ts'
import { readFile, saveFile } from './disk/save.ts'
import type { Ids } from './env/ids.ts'

export type Card = {
  readonly host: string
  readonly port: number
  readonly fingerprint: Hash
  /** The certificate of this machine, as PEM. */
  readonly cert: string
  /** The newest stored head: its entry and the hash of it. */
  readonly seq: number
  readonly entry: Hash
  /** Everything stored is in the home as well, but for what is staged. */
  readonly applied: boolean
  /** Something waits until no session is in progress (S10). */
  readonly staged: boolean
}

const pathOf = (stemmaHome: string) => `${stemmaHome}/card.json`

export async function loadCard(disk: Disk, stemmaHome: string): Promise<Card | null> {
  const bytes = await readFile(disk, pathOf(stemmaHome), cardBytesMax)
  return bytes && parseCard(bytes.toString())
}

export const saveCard = (disk: Disk, ids: Ids, stemmaHome: string, card: Card): Promise<void> =>
  saveFile(disk, ids, pathOf(stemmaHome), Buffer.from(JSON.stringify(card)), 0o600)

export const dropCard = (disk: Disk, stemmaHome: string): Promise<boolean> => disk.unlink(pathOf(stemmaHome))

/** Null for anything but a whole card. */
export function parseCard(text: string): Card | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { host, port, fingerprint, cert, seq, entry, applied, staged } = Object.fromEntries<unknown>(
    Object.entries(value),
  )
  const whole =
    typeof host === 'string' &&
    isCount(port) &&
    isHash(fingerprint) &&
    typeof cert === 'string' &&
    isCount(seq) &&
    isHash(entry) &&
    typeof applied === 'boolean' &&
    typeof staged === 'boolean'
  return whole ? { host, port, fingerprint, cert, seq, entry, applied, staged } : null
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
