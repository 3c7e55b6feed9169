/**
 * What a simulated volume is made of: files, folders, links, and names that are not durable yet.
 * Always holds: a node belongs to one image (`owner`); every other image copies it before it changes it.
 */
import type { Errno } from '../../engine/disk/errno.ts'
import type { Content } from './content.ts'
import type { Patch } from './patch.ts'

/** The system's refusal of a call; the disk makes a Fault of it, which knows where it comes from. */
export class Refused extends Error {
  readonly errno: Errno
  constructor(errno: Errno) {
    // A sweep refuses by the million: where in the simulation is told by the errno, so no stack is walked for it.
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(errno)
    Error.stackTraceLimit = limit
    this.errno = errno
  }
}

export type Meta = {
  readonly id: number
  /** Whose copy this is; anybody else copies it before changing it. */
  readonly owner: object
  /** The folder of its newest name. */
  parent: number
  mode: number
  durableMode: number
  mtimeMs: number
  ctimeMs: number
}
export type FileNode = Meta & {
  readonly kind: 'file'
  live: Content
  durable: Content
  pending: readonly Patch[]
  /** True after a failed sync dropped changes: the live content is then more than a sync makes durable. */
  lossy: boolean
}
export type Entry = { readonly name: string; readonly id: number }
export type FolderNode = Meta & {
  readonly kind: 'folder'
  readonly live: Map<string, Entry>
  readonly durable: Map<string, Entry>
}
export type LinkNode = Meta & { readonly kind: 'link'; readonly target: string }
export type OtherNode = Meta & { readonly kind: 'other' }
export type Node = FileNode | FolderNode | LinkNode | OtherNode

/** A name set (`id`) or removed (null) in a folder, not durable yet. */
export type NameStep = {
  readonly step: number
  readonly folder: number
  readonly key: string
  readonly name: string
  readonly id: number | null
  /** A rename's removal of the old name never survives without this step, the new name. */
  readonly needs: number | null
  /** Part of a folder's move. Moves survive in their order only: else two could leave a folder within itself. */
  readonly move: boolean
}
