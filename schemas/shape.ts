/**
 * The one place where valibot is imported, and the small shapes that everything else is made of.
 */
import * as v from 'valibot'
import { type Hash, isHash } from './hash.ts'
import { nameBytesMax } from './limits.ts'
import { type HomePath, isHomePath } from './path.ts'

export { v }

export const bytes = (length: number) =>
  v.custom<Uint8Array>((x) => x instanceof Uint8Array && x.length === length, `expected ${length} bytes`)
export const bytesUpTo = (max: number) =>
  v.custom<Uint8Array>((x) => x instanceof Uint8Array && x.length <= max, `expected at most ${max} bytes`)
/** A non-negative integer that a double holds exactly. */
export const count = v.custom<number>(
  (x) => typeof x === 'number' && Number.isSafeInteger(x) && x >= 0,
  'expected a whole number',
)
export const countUpTo = (max: number) =>
  v.custom<number>(
    (x) => typeof x === 'number' && Number.isSafeInteger(x) && x >= 0 && x <= max,
    `expected a whole number up to ${max}`,
  )
export const homePath = v.custom<HomePath>(
  (x) => typeof x === 'string' && isHomePath(x),
  'expected a safe path',
)

export { type Hash, isHash }
export const hash = v.custom<Hash>(isHash, 'expected 64 hex digits')
declare const followerBrand: unique symbol
/** A follower's identity: the SHA-256 of its node key's SPKI, in hex. */
export type FollowerId = Hash & { readonly [followerBrand]: true }
export const isFollowerId = (value: unknown): value is FollowerId => isHash(value)

/** A name that people gave a machine: one line, nothing that moves a cursor or hides text. */
const namePattern = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u
export const isName = (x: unknown): x is string =>
  typeof x === 'string' && namePattern.test(x) && Buffer.byteLength(x) <= nameBytesMax
export const name = v.custom<string>(isName, `expected a name of at most ${nameBytesMax} bytes`)

export const platform = v.picklist(['linux', 'darwin', 'win32', 'other'])
export type Platform = v.InferOutput<typeof platform>
