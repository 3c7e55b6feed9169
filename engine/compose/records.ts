/**
 * What composing has to remember of each composed file: what was canonical when it was last put here, how the user
 * settled conflicts, and which hooks the approvals in config.toml are for. In `<STEMMA_HOME>/apply/composed`, sealed
 * under a key that only this machine's seal key gives: it holds what secret files hold, and those are plain in the
 * home alone (S9).
 * Always holds: what is remembered is chosen by what lies there. It is written before a file is put, beside what was
 * remembered so far, each with the hash of its file, and thinned out afterwards: an apply that was cut off at any
 * moment is continued with the memory that fits.
 */
import { composedBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { type Hash, hash, homePath, v } from '../../schemas/shape.ts'
import { damaged, formatChecked, parseChecked } from '../apply/checked.ts'
import { aeadNonceBytes, openBox, sealBox } from '../crypto/aead.ts'
import { fromHash, hmac } from '../crypto/hash.ts'
import type { SealKey } from '../crypto/x25519.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import type { Last } from '../merge/merge.ts'
import type { HooksLast } from './hooks.ts'
import { configPath, hooksPath } from './kind.ts'

const name = 'stemma-composed-1'
const kind = v.picklist(['edited', 'deleted', 'exists', 'orphaned'])
// What is optional was not stored from the start.
const moved = v.optional(v.picklist(['no', 'too', 'since-choice']), 'no')
const text = v.nullable(v.string())
const last = v.strictObject({
  canonical: v.string(),
  standing: v.array(v.strictObject({ key: v.string(), kind, moved })),
  settled: v.array(
    v.strictObject({ key: v.string(), canonical: text, kind: v.optional(kind, 'edited'), moved }),
  ),
  former: v.optional(v.array(v.string()), []),
})
const hooksLast = v.strictObject({ canonical: text, declined: text })
/** What is remembered with the hash of the file that it belongs to; null for none. Oldest first. */
const puts = <S extends v.GenericSchema>(of: S) => v.array(v.strictTuple([v.nullable(hash), of]))
const stored = v.strictObject({
  configs: v.array(v.strictTuple([homePath, puts(last)])),
  hooks: puts(hooksLast),
  approved: puts(v.strictObject({ hooks: v.string(), vouched: v.array(v.string()) })),
})

/** What fits the files as they lie there. */
export type Records = {
  readonly configs: ReadonlyMap<HomePath, Last>
  readonly hooks: HooksLast | null
  /** The approvals in config.toml; null when we never made any. */
  readonly approved: Approved | null
}
export type Approved = {
  /** The hooks.json that they were made for. */
  readonly hooks: string
  /** The hashes that stand there on the master's word alone, and go when it takes that back. */
  readonly vouched: readonly string[]
}
type Put<T> = readonly [put: Hash | null, of: T]
/** Records as they are stored: with those of an apply that is under way. */
export type Trail = {
  readonly configs: ReadonlyMap<HomePath, readonly Put<Last>[]>
  readonly hooks: readonly Put<HooksLast>[]
  readonly approved: readonly Put<Approved>[]
}
/** What lies at a path as far as we put it there, or will. */
export type HashOf = (path: HomePath) => Hash | null

const pathOf = (stemmaHome: string) => `${stemmaHome}/apply/composed`
const keyOf = (seal: SealKey): Buffer => fromHash(hmac(seal.private, Buffer.from(name)))
const bound = Buffer.from(name)

/** Fault `ledger-damaged` when it cannot be believed. */
export async function loadTrail(disk: Disk, stemmaHome: string, seal: SealKey): Promise<Trail> {
  const path = pathOf(stemmaHome)
  const content = await readFile(disk, path, composedBytesMax)
  if (content === null) return { configs: new Map(), hooks: [], approved: [] }
  const nonce = content.subarray(0, aeadNonceBytes)
  const plain = openBox(keyOf(seal), nonce, content.subarray(aeadNonceBytes), bound)
  if (plain === null) throw damaged(path)
  const parsed = v.safeParse(stored, parseChecked(name, plain, path))
  if (!parsed.success) throw damaged(path)
  const { configs, hooks, approved } = parsed.output
  return { configs: new Map(configs), hooks, approved }
}

/** The folder `apply` must exist. */
export async function saveTrail(
  disk: Disk,
  ids: Ids,
  stemmaHome: string,
  seal: SealKey,
  trail: Trail,
): Promise<void> {
  const plain = formatChecked(name, plainOf(trail))
  const nonce = ids.bytes(aeadNonceBytes)
  const sealed = sealBox(keyOf(seal), nonce, plain, bound)
  await saveFile(disk, ids, pathOf(stemmaHome), Buffer.concat([nonce, sealed]), 0o600)
}

/** The records that fit what we put into the home last. */
export function recordsOf({ configs, hooks, approved }: Trail, lies: HashOf): Records {
  const chosen = new Map<HomePath, Last>()
  for (const [path, all] of configs) {
    const one = choose(all, lies(path))
    if (one) chosen.set(path, one)
  }
  return {
    configs: chosen,
    hooks: choose(hooks, lies(hooksPath)) ?? null,
    approved: choose(approved, lies(configPath)) ?? null,
  }
}

/** Records with the hashes of the files that they belong to. */
export function trailOf({ configs, hooks, approved }: Records, lies: HashOf): Trail {
  return {
    configs: new Map([...configs].map(([path, one]) => [path, [[lies(path), one]]])),
    hooks: hooks ? [[lies(hooksPath), hooks]] : [],
    approved: approved === null ? [] : [[lies(configPath), approved]],
  }
}

/** What is remembered so far, and what will be once the files are put; for one and the same file the latter. */
export function joined(now: Trail, next: Trail): Trail {
  const paths = new Set([...now.configs.keys(), ...next.configs.keys()])
  return {
    configs: new Map(
      [...paths].map((path) => [path, both(now.configs.get(path) ?? [], next.configs.get(path) ?? [])]),
    ),
    hooks: both(now.hooks, next.hooks),
    approved: both(now.approved, next.approved),
  }
}

export const sameTrail = (a: Trail, b: Trail): boolean =>
  JSON.stringify(plainOf(a)) === JSON.stringify(plainOf(b))

const plainOf = ({ configs, hooks, approved }: Trail) => ({ configs: [...configs], hooks, approved })
const both = <T>(now: readonly Put<T>[], next: readonly Put<T>[]): readonly Put<T>[] => [
  ...now.filter(([put]) => !next.some(([other]) => other === put)),
  ...next,
]
/** Where we put nothing, what was remembered for a file that was then not put says nothing. */
const choose = <T>(all: readonly Put<T>[], lies: Hash | null): T | undefined =>
  (all.find(([put]) => put === lies) ?? (lies === null ? undefined : all[0]))?.[1]
