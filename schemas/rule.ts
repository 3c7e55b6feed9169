/**
 * The grammar of selection rules: a path from the home's root (`memories/notes.md`), or a folder with
 * everything below it (`memories/`). No wildcards: what travels can be read off.
 */
import { isHomePath } from './path.ts'
import { homePath, v } from './shape.ts'

export const isRule = (value: unknown): value is string =>
  typeof value === 'string' && isHomePath(value.endsWith('/') ? value.slice(0, -1) : value)
export const selectionRule = v.custom<string>(
  isRule,
  'expected a path from the home, with / at the end for a folder',
)

const targetBytesMax = 1024
/** A symlink in the home whose target outside of it the user approved: both must match. */
export const linkRule = v.strictObject({
  path: homePath,
  target: v.custom<string>(
    (x) =>
      typeof x === 'string' && x.length > 0 && Buffer.byteLength(x) <= targetBytesMax && !x.includes('\0'),
    'expected the absolute path that the link leads to',
  ),
})
export type LinkRule = v.InferOutput<typeof linkRule>
