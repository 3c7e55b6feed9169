/** Which files of a home are composed, and text out of their bytes. */
import type { HomePath } from '../../schemas/path.ts'

// Both are paths of the grammar.
export const configPath = 'config.toml' as HomePath
export const hooksPath = 'hooks.json' as HomePath

/** config.toml, or a profile. */
export const isConfig = (path: string): boolean => path === configPath || /^[^/]+\.config\.toml$/.test(path)
export const isComposed = (path: HomePath): boolean => path === hooksPath || isConfig(path)

/** Null for bytes that are not UTF-8; a byte-order mark stays. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
