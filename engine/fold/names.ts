/**
 * The names that a state's tree holds, so that no two paths can be one file on any system (T16).
 * Always holds: for every path and every folder above it, one spelling per collision key, and nothing is both
 * a file and a folder.
 */
import { ancestors, foldName } from '../../schemas/path.ts'

/** `uses` counts what lies directly in a folder; a file has one. */
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
    if (this.#holds(parentOf(path))) return null
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
    let file = true
    for (let spelling: string | null = path; spelling !== null; spelling = parentOf(spelling)) {
      const key = foldName(spelling)
      const place = this.#places.get(key)
      if (place) {
        place.uses++
        return
      }
      this.#places.set(key, { spelling, file, uses: 1 })
      file = false
    }
  }

  remove(path: string): void {
    for (let spelling: string | null = path; spelling !== null; spelling = parentOf(spelling)) {
      const key = foldName(spelling)
      const place = this.#places.get(key)
      if (!place || --place.uses > 0) return
      this.#places.delete(key)
    }
  }

  /** Whether this very folder is there; the folders above it are there then, in this very spelling. */
  #holds(folder: string | null): boolean {
    if (folder === null) return true
    const there = this.#places.get(foldName(folder))
    return there?.file === false && there.spelling === folder
  }
}

/** The folder that holds `path`; null for what lies in the home itself. */
function parentOf(path: string): string | null {
  const at = path.lastIndexOf('/')
  return at === -1 ? null : path.slice(0, at)
}
