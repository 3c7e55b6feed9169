/**
 * Edits inside one inline table, given and returned as its text from `{` to `}`.
 * Always holds: entries that an edit does not name keep their bytes, formats and comments included.
 */
import { scanInline } from './scan.ts'
import { type Path, printPath } from './value.ts'

/** @param raw the TOML text of the value. The way to it leads through inline tables only. */
export function setInline(text: string, path: Path, raw: string): string {
  const entry = scanInline(text).find(({ key }) => leadsTo(key, path))
  if (entry) {
    const old = text.slice(entry.value, entry.end)
    const value = entry.key.length === path.length ? raw : setInline(old, path.slice(entry.key.length), raw)
    return text.slice(0, entry.value) + value + text.slice(entry.end)
  }
  // What dotted keys defined below the path gives way.
  const cleared = unsetInline(text, path)
  const last = scanInline(cleared).at(-1)
  const added = `${printPath(path)} = ${raw}`
  if (!last) return `{ ${added} }`
  return `${cleared.slice(0, last.end)}, ${added}${cleared.slice(last.end)}`
}

/** Removes a value, or whatever dotted keys define below the path. */
export function unsetInline(text: string, path: Path): string {
  const entries = scanInline(text)
  const index = entries.findIndex(({ key }) => leadsTo(key, path) || leadsTo(path, key))
  const entry = entries[index]
  if (!entry) return text
  if (entry.key.length < path.length) {
    const old = text.slice(entry.value, entry.end)
    if (!old.startsWith('{')) return text
    const value = unsetInline(old, path.slice(entry.key.length))
    return text.slice(0, entry.value) + value + text.slice(entry.end)
  }
  if (entries.length === 1) return '{}'
  const next = entries[index + 1]
  const from = next ? entry.start : (entries[index - 1]?.end ?? 1)
  const rest = text.slice(0, from) + text.slice(next ? next.start : entry.end)
  return unsetInline(rest, path)
}

/** Whether `path` is `prefix` or lies below it. */
export function leadsTo(prefix: Path, path: Path): boolean {
  if (prefix.length > path.length) return false
  for (let i = 0; i < prefix.length; i++) if (prefix[i] !== path[i]) return false
  return true
}
