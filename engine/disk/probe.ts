/**
 * Whether a folder folds names: some name in it, or in one above, is looked up in the other case.
 * Always holds: nothing is written, so nothing can be left behind.
 */
import { dirname, join } from 'node:path'
import type { Disk } from './disk.ts'
import { errnoOf } from './errno.ts'

/** True or false where a name could tell; null where there is none with a letter in it, up to the root. */
export async function probeFolding(disk: Disk, dir: string): Promise<boolean | null> {
  for (let folder = dir; ; folder = dirname(folder)) {
    const names = (await unlessRefused(disk.list(folder)))?.map((entry) => entry.name) ?? []
    for (const name of names) {
      const other = swapCase(name)
      if (other === name) continue
      if (names.includes(other)) return false
      const one = await unlessRefused(disk.stat(join(folder, name)))
      const two = await unlessRefused(disk.stat(join(folder, other)))
      if (one !== null) return one.ino === two?.ino
    }
    if (dirname(folder) === folder) return null
  }
}

/** A folder above that is not ours to read tells nothing; the one above it may. */
async function unlessRefused<T>(answer: Promise<T | null>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (errnoOf(error) === null) throw error
    return null
  }
}

const swapCase = (name: string): string =>
  name.replace(/[a-z]|[A-Z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
