/**
 * A mark: what apply compares of a file, its content and its executable bit (S34: no other mode bit travels).
 * Where the disk has no executable bit (Windows) an observed one is `null`, and null agrees with both.
 */
import type { Hash } from '../../schemas/shape.ts'
import type { CanonFile } from '../fold/file.ts'

/** What a file is meant to be. */
export type Mark = { readonly exec: boolean; readonly hash: Hash }
/** What a file was found to be. */
export type Seen = { readonly exec: boolean | null; readonly hash: Hash }

export const markOf = (file: CanonFile): Mark => ({ exec: file.exec, hash: file.blob })

export const same = (a: Seen | null, b: Seen | null): boolean =>
  a !== null && b !== null && a.hash === b.hash && (a.exec === null || b.exec === null || a.exec === b.exec)

/** The executable bit of a file with these permissions; `bits` is false on Windows. */
export const execOf = (mode: number, bits: boolean): boolean | null => (bits ? (mode & 0o100) !== 0 : null)

/** Permissions with the executable bit set for whoever may read, or cleared; every other bit stays. */
export const withExec = (mode: number, exec: boolean): number =>
  exec ? mode | ((mode & 0o444) >> 2) : mode & ~0o111
