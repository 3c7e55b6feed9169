/** Bytes as people say them, for sentences in any room. */

const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const

/** `830 B`, `1.4 MiB`, `12 GiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  let value = bytes / 1024
  let at = 0
  // What would round up to 1024 is one of the next unit.
  while (value >= 1023.5 && at < units.length - 1) {
    value /= 1024
    at++
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[at]}`
}
