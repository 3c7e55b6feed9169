/**
 * What lies here beside what is canonical, for a file in conflict: reads both, writes nothing.
 * Always holds: no content of a file that may hold secrets by its name is shown; of others only lines that went through
 * `redactLines`; nothing larger than `diffBytesMax` is read.
 */
import { Fault } from '../../schemas/fault.ts'
import { diffBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Conflict } from '../apply/plan.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { mayBeSecret } from '../canon/classify.ts'
import { textOf } from '../compose/kind.ts'
import type { Disk } from '../disk/disk.ts'
import { errnoOf } from '../disk/errno.ts'
import { readFile } from '../disk/save.ts'
import type { CanonFiles } from '../fold/file.ts'
import { type Difference, difference, type Side } from './difference.ts'
import { redactLines } from './redact.ts'

/** A difference, or why none is shown: a sentence. */
export type Comparison = Difference | { readonly hidden: string }

export type ComparePlace = {
  readonly disk: Disk
  readonly codexHome: string
  readonly blobs: Blobs
  readonly files: CanonFiles
}

export async function compare(place: ComparePlace, { path, kind }: Conflict): Promise<Comparison> {
  if (kind === 'linked' || kind === 'blocked' || kind === 'twin')
    return { hidden: 'What stands there is never replaced; move it away to get the canonical file.' }
  if (mayBeSecret(path)) return { hidden: 'It may hold secrets: its contents are not shown.' }
  const here = await readHere(place, path)
  const canonical = await readCanonical(place, path)
  if (isWhy(here)) return here
  if (isWhy(canonical)) return canonical
  const found = difference(sideOf(here), sideOf(canonical))
  return found.lines.length === 0 ? { hidden: 'Only the executable bit differs.' } : found
}

type Why = { readonly hidden: string }
const isWhy = (read: string | null | Why): read is Why => typeof read === 'object' && read !== null
const tooLarge: Why = { hidden: `It is larger than ${diffBytesMax / 1024} KiB.` }
const notText: Why = { hidden: 'It is not text.' }

/** The text; null for no file. */
async function readHere({ disk, codexHome }: ComparePlace, path: HomePath): Promise<string | null | Why> {
  try {
    const bytes = await readFile(disk, `${codexHome}/${path}`, diffBytesMax)
    return bytes && textIn(bytes)
  } catch (error) {
    if (error instanceof Fault && error.code === 'too-many') return tooLarge
    const errno = errnoOf(error)
    if (errno === null) throw error
    return { hidden: `The file here cannot be read (${errno}).` }
  }
}

async function readCanonical({ blobs, files }: ComparePlace, path: HomePath): Promise<string | null | Why> {
  const file = files.get(path)
  if (!file) return null
  if (file.size > diffBytesMax) return tooLarge
  const bytes = (await blobs.has(file.blob)) ? await blobs.readWhole(file.blob) : null
  return bytes
    ? textIn(bytes)
    : { hidden: 'The canonical contents are not here yet; `stemma sync` fetches them.' }
}

const textIn = (bytes: Buffer): string | Why => {
  const text = bytes.includes(0) ? null : textOf(bytes)
  return text ?? notText
}

/** A last line without an end differs from one with. */
function sideOf(text: string | null): Side {
  if (text === null || text === '') return { raw: [], shown: [] }
  const isEnded = text.endsWith('\n')
  const lines = (isEnded ? text.slice(0, -1) : text).split('\n')
  const open = isEnded ? -1 : lines.length - 1
  return { raw: lines.map((line, at) => (at === open ? line : `${line}\n`)), shown: redactLines(lines), open }
}
