/**
 * The ledger: what we last put at each path, which canonical content the user declined, and which folders we
 * made. Kept as one checked file, saved atomically; without it every path is new to us (first join).
 * Always holds: a row has a `last` or a `kept`; `look` only saves reading and is never needed to be right.
 */
import { filesMax, pathBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { type Hash, hash, homePath, v } from '../../schemas/shape.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import { damaged, formatChecked, parseChecked } from './checked.ts'
import type { Mark } from './mark.ts'

/** A file as it was when last read: while all of this stays, so does its content. */
export type Look = {
  readonly hash: Hash
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly ino: string
}
export type LedgerRow = {
  /** What we last put there; null when we never did. */
  readonly last: Mark | null
  /** The canonical content against which the user chose `local`. */
  readonly kept: Mark | null
  readonly look: Look | null
}
export type Ledger = {
  readonly rows: ReadonlyMap<HomePath, LedgerRow>
  /** Folders that we made: they go when they are empty again. */
  readonly folders: ReadonlySet<HomePath>
  /** The last transaction that is in here: its journal has nothing more to say. */
  readonly tx: string | null
}
export const emptyLedger: Ledger = { rows: new Map(), folders: new Set(), tx: null }

const name = 'stemma-ledger-1'
/** Two hundred bytes of digests and numbers for each path of the largest home. */
const ledgerBytesMax = filesMax * (2 * pathBytesMax + 512)

const bit = v.boolean()
const mark = v.nullable(v.strictTuple([bit, hash]))
const number = v.pipe(v.number(), v.finite())
/** The hash is null when it is that of `last`, as it nearly always is. */
const look = v.nullable(v.strictTuple([v.nullable(hash), number, number, number, v.string()]))
const stored = v.strictObject({
  rows: v.pipe(v.array(v.strictTuple([homePath, mark, mark, look])), v.maxLength(2 * filesMax)),
  folders: v.array(homePath),
  tx: v.nullable(v.string()),
})

const toMark = (row: readonly [boolean, Hash] | null): Mark | null => row && { exec: row[0], hash: row[1] }
const fromMark = (of: Mark | null) => of && [of.exec, of.hash]

/** The ledger as stored; an empty one when there is none. Fault `ledger-damaged` when it cannot be believed. */
export async function loadLedger(disk: Disk, path: string): Promise<Ledger> {
  const content = await readFile(disk, path, ledgerBytesMax)
  if (content === null) return emptyLedger
  const parsed = v.safeParse(stored, parseChecked(name, content, path))
  if (!parsed.success) throw damaged(path)
  const rows = new Map<HomePath, LedgerRow>()
  for (const [at, lastRow, keptRow, lookRow] of parsed.output.rows) {
    const last = toMark(lastRow)
    const lookHash = lookRow?.[0] ?? last?.hash
    const seen =
      lookRow && lookHash
        ? { hash: lookHash, size: lookRow[1], mtimeMs: lookRow[2], ctimeMs: lookRow[3], ino: lookRow[4] }
        : null
    rows.set(at, { last, kept: toMark(keptRow), look: seen })
  }
  return { rows, folders: new Set(parsed.output.folders), tx: parsed.output.tx }
}

/** Durable on return: the old ledger or this one, whatever happens in between. */
export async function saveLedger(disk: Disk, ids: Ids, path: string, ledger: Ledger): Promise<void> {
  const rows = [...ledger.rows].map(([at, { last, kept, look: seen }]) => [
    at,
    fromMark(last),
    fromMark(kept),
    seen && [seen.hash === last?.hash ? null : seen.hash, seen.size, seen.mtimeMs, seen.ctimeMs, seen.ino],
  ])
  await saveFile(
    disk,
    ids,
    path,
    formatChecked(name, { rows, folders: [...ledger.folders], tx: ledger.tx }),
    0o600,
  )
}
