/**
 * What composing has to remember: for every composed file, what was canonical when it was last put there, and how the
 * user settled conflicts. In `<STEMMA_HOME>/apply/composed`, sealed under a key that only this machine's seal key gives:
 * it holds what secret files hold, and those are plain in the home alone (S9).
 * Always holds: it is written after the files are in place; one that is older than they are costs no local change.
 */
import { composedBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { homePath, v } from '../../schemas/shape.ts'
import { damaged, formatChecked, parseChecked } from '../apply/checked.ts'
import { aeadNonceBytes, openBox, sealBox } from '../crypto/aead.ts'
import { fromHash, hmac } from '../crypto/hash.ts'
import type { SealKey } from '../crypto/x25519.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import type { Last } from '../merge/merge.ts'

const name = 'stemma-composed-1'
const kind = v.picklist(['edited', 'deleted', 'exists', 'orphaned'])
const last = v.strictObject({
  canonical: v.string(),
  standing: v.array(v.strictObject({ key: v.string(), kind })),
  settled: v.array(v.strictObject({ key: v.string(), canonical: v.nullable(v.string()) })),
})
const stored = v.strictObject({
  configs: v.array(v.strictTuple([homePath, last])),
  /** The canonical hooks.json that was last put here; null for none. */
  hooks: v.nullable(v.string()),
})

export type Records = { readonly configs: ReadonlyMap<HomePath, Last>; readonly hooks: string | null }
export const noRecords: Records = { configs: new Map(), hooks: null }

const pathOf = (stemmaHome: string) => `${stemmaHome}/apply/composed`
const keyOf = (seal: SealKey): Buffer => fromHash(hmac(seal.private, Buffer.from(name)))
const bound = Buffer.from(name)

/** Fault `ledger-damaged` when it cannot be believed. */
export async function loadRecords(disk: Disk, stemmaHome: string, seal: SealKey): Promise<Records> {
  const path = pathOf(stemmaHome)
  const content = await readFile(disk, path, composedBytesMax)
  if (content === null) return noRecords
  const nonce = content.subarray(0, aeadNonceBytes)
  const plain = openBox(keyOf(seal), nonce, content.subarray(aeadNonceBytes), bound)
  if (plain === null) throw damaged(path)
  const parsed = v.safeParse(stored, parseChecked(name, plain, path))
  if (!parsed.success) throw damaged(path)
  return { configs: new Map(parsed.output.configs), hooks: parsed.output.hooks }
}

/** The folder `apply` must exist. */
export async function saveRecords(
  disk: Disk,
  ids: Ids,
  stemmaHome: string,
  seal: SealKey,
  records: Records,
): Promise<void> {
  const plain = formatChecked(name, { configs: [...records.configs], hooks: records.hooks })
  const nonce = ids.bytes(aeadNonceBytes)
  const sealed = sealBox(keyOf(seal), nonce, plain, bound)
  await saveFile(disk, ids, pathOf(stemmaHome), Buffer.concat([nonce, sealed]), 0o600)
}

export const sameRecords = (a: Records, b: Records): boolean =>
  a.hooks === b.hooks && JSON.stringify([...a.configs]) === JSON.stringify([...b.configs])
