/**
 * The names that a state's tree holds, so that no two paths can be one file on any system (T16).
 * Always holds: for every path and every folder above it, one spelling per collision key, and nothing is both
 * a file and a folder.
 */
import { ancestors, foldName } from '../../schemas/path.ts'

type Place = { readonly spelling: string; readonly file: boolean; uses: number }

export class Names {
  readonly #places = new Map<string, Place>()

  /** Why `path` cannot be added beside what is there, or null. */
  fault(path: string): string | null {
    const same = this.#places.get(foldName(path))
    if (same) {
      if (!same.file) return `a folder of that name exists (${same.spelling})`
      return same.spelling === path ? null : `it differs from ${same.spelling} only in case or Unicode form`
    }
    for (const folder of ancestors(path)) {
      const there = this.#places.get(foldName(folder))
      if (!there) continue
      if (there.file) return `${there.spelling} is a file, not a folder`
      if (there.spelling !== folder)
        return `${folder} differs from ${there.spelling} only in case or Unicode form`
    }
    return null
  }

  add(path: string): void {
    this.#count(path, true, 1)
    for (const folder of ancestors(path)) this.#count(folder, false, 1)
  }

  remove(path: string): void {
    this.#count(path, true, -1)
    for (const folder of ancestors(path)) this.#count(folder, false, -1)
  }

  #count(spelling: string, file: boolean, by: number): void {
    const key = foldName(spelling)
    const place = this.#places.get(key) ?? { spelling, file, uses: 0 }
    place.uses += by
    if (place.uses === 0) this.#places.delete(key)
    else this.#places.set(key, place)
  }
}
