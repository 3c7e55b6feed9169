/**
 * What a follower remembers of its last contact and its last apply: for `status`, never for trust (the log is the
 * floor). Always holds: a damaged file counts as none.
 */
import { type Code, isCode } from '../schemas/code.ts'
import { Fault } from '../schemas/fault.ts'
import { contactBytesMax, troubleLettersMax } from '../schemas/limits.ts'
import { count, v } from '../schemas/shape.ts'
import type { Disk } from './disk/disk.ts'
import { readFile, saveFile } from './disk/save.ts'
import type { Ids } from './env/ids.ts'

/** Why the last contact brought nothing, and since when that is so. */
const trouble = v.strictObject({
  code: v.custom<Code>((x) => typeof x === 'string' && isCode(x), 'expected a known code'),
  why: v.string(),
  sinceMs: count,
  lastMs: count,
})
export type Trouble = v.InferOutput<typeof trouble>

const shape = v.strictObject({
  /** When the pinned master last proved itself, and the entry it showed as its newest. */
  contactMs: count,
  masterSeq: count,
  /** The entry whose state was last brought into the home. */
  appliedSeq: count,
  /** Null when the last contact went well. */
  trouble: v.optional(v.nullable(trouble), null),
})
export type Contact = v.InferOutput<typeof shape>
export const noContact: Contact = { contactMs: 0, masterSeq: 0, appliedSeq: 0, trouble: null }

/** What went wrong now, as the continuation of what went wrong before. */
export function troubled(before: Trouble | null, { code, message }: Fault, nowMs: number): Trouble {
  const sinceMs = before?.code === code ? Math.min(before.sinceMs, nowMs) : nowMs
  return { code, why: message.slice(0, troubleLettersMax), sinceMs, lastMs: nowMs }
}

const pathOf = (stemmaHome: string) => `${stemmaHome}/contact.json`

export async function loadContact(disk: Disk, stemmaHome: string): Promise<Contact> {
  try {
    const bytes = await readFile(disk, pathOf(stemmaHome), contactBytesMax)
    if (bytes === null) return noContact
    const parsed = v.safeParse(shape, JSON.parse(bytes.toString()))
    return parsed.success ? parsed.output : noContact
  } catch (error) {
    if (error instanceof SyntaxError) return noContact
    if (error instanceof Fault && error.code === 'too-many') return noContact
    throw error
  }
}

export const saveContact = (disk: Disk, ids: Ids, stemmaHome: string, contact: Contact): Promise<void> =>
  saveFile(disk, ids, pathOf(stemmaHome), Buffer.from(JSON.stringify(contact)), 0o600)
