/** A small world for apply: canonical contents by path, kept as blobs, on any disk. */
import { Applier } from '../../../engine/apply/applier.ts'
import { Blobs } from '../../../engine/blobs/blobs.ts'
import { sha256Hex } from '../../../engine/crypto/hash.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { makeDirs } from '../../../engine/disk/tree.ts'
import type { Clock } from '../../../engine/env/clock.ts'
import type { Ids } from '../../../engine/env/ids.ts'
import type { CanonFile, CanonFiles } from '../../../engine/fold/file.ts'
import { type HomePath, isHomePath } from '../../../schemas/path.ts'

/** Content by path; a path that ends in `*` is executable. */
export type Tree = Readonly<Record<string, string>>

export function pathOf(text: string): HomePath {
  if (!isHomePath(text)) throw new Error(`not a home path: ${text}`)
  return text
}

export function canon(tree: Tree): CanonFiles {
  const files = new Map<HomePath, CanonFile>()
  for (const [name, text] of Object.entries(tree)) {
    const exec = name.endsWith('*')
    const content = Buffer.from(text)
    const file = { exec, size: content.length, blob: sha256Hex(content) }
    files.set(pathOf(exec ? name.slice(0, -1) : name), file)
  }
  return files
}

export type Rig = { readonly applier: Applier; readonly blobs: Blobs }

export type RigOptions = {
  readonly ids: Ids
  readonly clock: Clock
  readonly codexHome: string
  readonly stemmaHome: string
}

/** An applier as a process has it after its start. */
export function rigOn(disk: Disk, { ids, clock, codexHome, stemmaHome }: RigOptions): Rig {
  const blobs = new Blobs(disk, ids, `${stemmaHome}/blobs`)
  return { applier: new Applier({ disk, ids, clock, blobs, codexHome, stemmaHome }), blobs }
}

/** Makes every content of the trees a durable blob. */
export async function storeBlobs(disk: Disk, options: RigOptions, ...trees: readonly Tree[]): Promise<void> {
  await makeDirs(disk, options.stemmaHome, 0o700)
  const { blobs } = rigOn(disk, options)
  await blobs.open()
  for (const tree of trees) for (const text of Object.values(tree)) await blobs.put([Buffer.from(text)])
  await blobs.settle()
}
