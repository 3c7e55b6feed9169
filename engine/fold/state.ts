/**
 * The folded state: what the entries of a log, read one after the other, amount to.
 * Always holds: it is a function of the entries' bytes alone; `stateHash` covers every section, the checkpoints
 * and the fold version; every change is undone exactly by what `advance` returned for it.
 */
import { checkpointEveryEntries } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { type Row, rowLayouts, type Section, sections } from '../../schemas/section.ts'
import { checkpointBytes, revisionBytes, stateBytes } from '../../schemas/signable.ts'
import { sha256 } from '../crypto/hash.ts'
import { type CanonFile, type CanonFiles, toCanonFile } from './file.ts'
import type { KeyHistory } from './keys.ts'
import { emptyRoot, MerkleMap } from './merkle.ts'
import { Names } from './names.ts'

/** A row is put, or removed with null. */
export type Change = {
  [S in Section]: { readonly section: S; readonly key: string; readonly row: Row<S> | null }
}[Section]

export type Checkpoint = { readonly seq: number; readonly entry: Buffer }
/** How far the fold has come. `entry` is the hash of the last entry. */
export type Position = {
  readonly seq: number
  readonly entry: Buffer
  readonly timeMs: number
  readonly foldVersion: number
  /** The running hash over all checkpoints. */
  readonly checkpoint: Buffer
}

type Maps = { readonly [S in Section]: MerkleMap<Row<S>> }
export type Undo = () => void

export class State {
  readonly maps: Maps
  readonly names = new Names()
  readonly checkpoints: Checkpoint[] = []
  /** Null only before the charter. */
  keys: KeyHistory | null = null
  at: Position = { seq: 0, entry: emptyRoot, timeMs: 0, foldVersion: 1, checkpoint: emptyRoot }

  /** What `files` made since the last change of them. */
  #files: CanonFiles | null = null

  constructor() {
    this.maps = {
      files: new MerkleMap(rowLayouts.files),
      secrets: new MerkleMap(rowLayouts.secrets),
      accounts: new MerkleMap(rowLayouts.accounts),
      followers: new MerkleMap(rowLayouts.followers),
      epochs: new MerkleMap(rowLayouts.epochs),
      keys: new MerkleMap(rowLayouts.keys),
      selection: new MerkleMap(rowLayouts.selection),
    }
  }

  /** Canonical plain files, with hashes in hex: as they are now, whatever changes later. */
  files(): CanonFiles {
    if (this.#files) return this.#files
    const out = new Map<HomePath, CanonFile>()
    for (const [path, row] of this.maps.files.rows()) out.set(path as HomePath, toCanonFile(row))
    this.#files = out
    return out
  }

  /** Applies one entry's changes and moves on to it. */
  advance(
    entry: { seq: number; hash: Buffer; timeMs: number; keys: KeyHistory | null },
    changes: readonly Change[],
  ): Undo {
    const before = this.at
    const keysBefore = this.keys
    const inverse = changes.map((change) => this.#set(change))
    let checkpoint = before.checkpoint
    const marks = entry.seq % checkpointEveryEntries === 0
    if (marks) {
      checkpoint = sha256(checkpointBytes(checkpoint, entry.seq, entry.hash))
      this.checkpoints.push({ seq: entry.seq, entry: entry.hash })
    }
    if (entry.keys) this.keys = entry.keys
    this.at = {
      seq: entry.seq,
      entry: entry.hash,
      timeMs: entry.timeMs,
      foldVersion: before.foldVersion,
      checkpoint,
    }
    return () => {
      for (const change of inverse.reverse()) this.#set(change)
      if (marks) this.checkpoints.pop()
      this.keys = keysBefore
      this.at = before
    }
  }

  /** Puts a row that a base carries. The caller verifies the whole by its state hash. */
  restore(change: Change): void {
    this.#set(change)
  }

  roots(): Buffer[] {
    return sections.map((section) => this.maps[section].root())
  }
  stateHash(): Buffer {
    return sha256(stateBytes(this.at.foldVersion, this.roots(), this.at.checkpoint))
  }
  /** Content of the canonical tree alone (S24). */
  revision(): Buffer {
    return sha256(revisionBytes(this.maps.files.root(), this.maps.secrets.root()))
  }

  #set(change: Change): Change {
    const before = this.#swap(change)
    if (change.section === 'files' || change.section === 'secrets') {
      const had = before.row !== null
      const has = change.row !== null
      if (has && !had) this.names.add(change.key)
      else if (had && !has) this.names.remove(change.key)
    }
    return before
  }

  #swap(change: Change): Change {
    // One arm a section keeps key, row and map of the same kind without a cast.
    switch (change.section) {
      case 'files':
        this.#files = null
        return { ...change, row: replace(this.maps.files, change.key, change.row) }
      case 'secrets':
        return { ...change, row: replace(this.maps.secrets, change.key, change.row) }
      case 'accounts':
        return { ...change, row: replace(this.maps.accounts, change.key, change.row) }
      case 'followers':
        return { ...change, row: replace(this.maps.followers, change.key, change.row) }
      case 'epochs':
        return { ...change, row: replace(this.maps.epochs, change.key, change.row) }
      case 'keys':
        return { ...change, row: replace(this.maps.keys, change.key, change.row) }
      case 'selection':
        return { ...change, row: replace(this.maps.selection, change.key, change.row) }
    }
  }
}

function replace<R>(map: MerkleMap<R>, key: string, row: R | null): R | null {
  const before = map.get(key) ?? null
  map.set(key, row)
  return before
}
