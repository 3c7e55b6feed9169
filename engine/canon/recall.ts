/**
 * What a walk saw, so that the next one asks the system only about the folders in which something changed.
 * Always holds: what is remembered of a folder (its entries, and the facts of each) goes as a whole, together with all
 * that is known below the entry that changed; only what depends on that folder alone is remembered, no resolved link.
 */
import type { DirEntry, Disk, Stat } from '../disk/disk.ts'

/** What a walk needs of a disk. */
export type Eyes = Pick<Disk, 'foldsNames' | 'windows' | 'stat' | 'list' | 'readLink' | 'realPath'>

type Folder = { entries?: readonly DirEntry[] | null; readonly stats: Map<string, Stat | null> }

export class Recall {
  readonly #folders = new Map<string, Folder>()
  /** The folder that it is all of: another one of the same name is another home. */
  #home = ''

  /** Everything is looked at again. */
  clear(): void {
    this.#folders.clear()
  }

  /** Said at the beginning of a walk: by its path and identity. */
  begin(home: string): void {
    if (home !== this.#home) this.clear()
    this.#home = home
  }

  /** @param at of what changed, an entry of a watched folder, with `/`. */
  forget(at: string): void {
    const changed = new Set([folderOf(at), at])
    for (const folder of this.#folders.keys())
      if (changed.has(folder) || folder.startsWith(`${at}/`)) this.#folders.delete(folder)
  }

  /** The disk, asked once for what is remembered. */
  over(disk: Eyes): Eyes {
    return {
      foldsNames: disk.foldsNames,
      windows: disk.windows,
      readLink: (path) => disk.readLink(path),
      realPath: (path) => disk.realPath(path),
      list: async (path) => {
        const known = this.#folders.get(path)?.entries
        if (known !== undefined) return known
        // Of before the question: what is forgotten meanwhile stays forgotten.
        const folder = this.#at(path)
        const entries = await disk.list(path)
        folder.entries = entries
        return entries
      },
      stat: async (path) => {
        const folder = this.#at(folderOf(path))
        const known = folder.stats.get(path)
        if (known !== undefined) return known
        const stat = await disk.stat(path)
        folder.stats.set(path, stat)
        return stat
      },
    }
  }

  #at(path: string): Folder {
    const there = this.#folders.get(path)
    if (there) return there
    const folder: Folder = { stats: new Map() }
    this.#folders.set(path, folder)
    return folder
  }
}

const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0))
