/**
 * The journal: the commit point of an apply. Once it is durable, every step will be carried out, now or by the
 * next start; before that, nothing in the home has changed.
 * Always holds: the content of step n is durable as `n` in the transaction's staging folder.
 */
import { filesMax, pathBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { hash, homePath, v } from '../../schemas/shape.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import { damaged, formatChecked, parseChecked } from './checked.ts'

const name = 'stemma-journal-1'
const journalBytesMax = filesMax * (2 * pathBytesMax + 512)

const mark = v.strictObject({ exec: v.boolean(), hash })
const seen = v.strictObject({ exec: v.nullable(v.boolean()), hash })
const step = v.variant('act', [
  v.strictObject({ act: v.literal('create'), path: homePath, from: v.null(), to: mark }),
  v.strictObject({ act: v.literal('replace'), path: homePath, from: seen, to: mark }),
  v.strictObject({ act: v.literal('chmod'), path: homePath, from: seen, to: mark }),
  v.strictObject({ act: v.literal('remove'), path: homePath, from: seen, to: v.null() }),
])
const journal = v.strictObject({
  /** A name of its own: also that of its staging folder. */
  tx: v.pipe(v.string(), v.regex(/^[0-9A-Za-z_-]+$/)),
  folders: v.array(homePath),
  steps: v.pipe(v.array(step), v.maxLength(2 * filesMax)),
})

/** A step as it is carried out: by what lies there, not by why. */
export type JournalStep = v.InferOutput<typeof step>
export type Journal = {
  readonly tx: string
  readonly folders: readonly HomePath[]
  readonly steps: readonly JournalStep[]
}

/** null when there is none. Fault `ledger-damaged` when it cannot be believed. */
export async function loadJournal(disk: Disk, path: string): Promise<Journal | null> {
  const content = await readFile(disk, path, journalBytesMax)
  if (content === null) return null
  const parsed = v.safeParse(journal, parseChecked(name, content, path))
  if (!parsed.success) throw damaged(path)
  return parsed.output
}

export async function saveJournal(disk: Disk, ids: Ids, path: string, of: Journal): Promise<void> {
  const steps = of.steps.map(({ act, path: at, from, to }) => ({ act, path: at, from, to }))
  await saveFile(disk, ids, path, formatChecked(name, { ...of, steps }), 0o600)
}
