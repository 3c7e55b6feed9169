/** The statements and comments of a TOML text, to be compared across an edit or a merge. */
import { toSections } from '../../../engine/toml/document.ts'
import type { Path } from '../../../engine/toml/value.ts'

export type Said = { readonly text: string; readonly kind: 'pair' | 'header' | 'comment'; path: Path }

/**
 * Every statement and comment with the path that it stands or falls with: a comment goes with the statement below it,
 * or with the section when it stands among its statements; what blank lines set apart goes with nothing.
 */
export function statementsOf(text: string): Said[] {
  const list: Said[] = []
  for (const { lead, header, path, body } of toSections(text.replace(/^\ufeff/, ''))) {
    for (const one of lead) list.push({ kind: 'comment', text: one.text.trim(), path })
    if (header) list.push({ kind: 'header', text: header.text + header.tail.trimEnd(), path })
    let open: Said[] = []
    let loose: Said[] = []
    let close: Path = path
    for (const piece of body) {
      if (piece.kind === 'comment') {
        const comment: Said = { kind: 'comment', text: piece.text.trim(), path: close }
        open.push(comment)
        if (close !== path) loose.push(comment)
        list.push(comment)
        continue
      }
      if (piece.kind === 'pair') {
        const at = [...path, ...piece.key]
        for (const one of loose) one.path = path
        for (const one of open) one.path = at
        loose = []
        list.push({ kind: 'pair', text: (piece.before + piece.value + piece.after).trimEnd(), path: at })
      }
      open = []
      close = piece.kind === 'pair' ? path : []
    }
  }
  return list
}

/** A statement may have got a comment at its end. */
export function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0
  for (const one of whole) if (one.startsWith(part[at] ?? '\n')) at += 1
  return at === part.length
}
