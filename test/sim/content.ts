/**
 * The bytes of a simulated file, as immutable pages: a snapshot costs nothing, a write copies only the pages
 * that it touches.
 * Always holds: a Content never changes; missing pages and bytes beyond what was written read as zero.
 */
const pageBytes = 4096

export type Content = { readonly length: number; readonly pages: readonly (Buffer | undefined)[] }

export const empty: Content = { length: 0, pages: [] }

/** Copies into `into` from `position`; returns how many bytes there were. */
export function readAt(content: Content, into: Uint8Array, position: number): number {
  const end = Math.min(content.length, position + into.length)
  for (let at = position; at < end; ) {
    const offset = at % pageBytes
    const count = Math.min(pageBytes - offset, end - at)
    const page = content.pages[(at - offset) / pageBytes]
    if (page) into.set(page.subarray(offset, offset + count), at - position)
    else into.fill(0, at - position, at - position + count)
    at += count
  }
  return Math.max(0, end - position)
}

export function writeAt(content: Content, bytes: Uint8Array, position: number): Content {
  if (bytes.length === 0) return content
  const pages = content.pages.slice()
  for (let done = 0; done < bytes.length; ) {
    const offset = (position + done) % pageBytes
    const count = Math.min(pageBytes - offset, bytes.length - done)
    const index = (position + done - offset) / pageBytes
    const page = Buffer.alloc(pageBytes)
    pages[index]?.copy(page)
    page.set(bytes.subarray(done, done + count), offset)
    pages[index] = page
    done += count
  }
  return { length: Math.max(content.length, position + bytes.length), pages }
}

/** Cuts, or extends with zeros. */
export function resize(content: Content, length: number): Content {
  if (length >= content.length) return { length, pages: content.pages }
  const pages = content.pages.slice(0, Math.ceil(length / pageBytes))
  const last = pages.at(-1)
  if (last && length % pageBytes !== 0) {
    const page = Buffer.alloc(pageBytes)
    last.copy(page, 0, 0, length % pageBytes)
    pages[pages.length - 1] = page
  }
  return { length, pages }
}

export function toBuffer(content: Content): Buffer {
  const out = Buffer.alloc(content.length)
  readAt(content, out, 0)
  return out
}
