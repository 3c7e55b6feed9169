/**
 * What a scan could not carry, in words for people: bounded in number, and safe to print.
 * Always holds: at most `warningsMax` are kept, the rest are counted; no character of a file name reaches a
 * terminal that would move its cursor or hide text.
 */
import { warningsMax } from '../../schemas/limits.ts'

export type WarningKind =
  /** The system refused to read it. */
  | 'unreadable'
  | 'too-large'
  /** A socket, a FIFO, a device. */
  | 'not-a-file'
  /** Outside the path grammar: another system could not hold it. */
  | 'bad-name'
  /** Would be one file with another path on some system. */
  | 'collision'
  | 'too-many'
  /** A symlink that leads out of the home, to nothing, in a circle, or to what does not travel. */
  | 'link-out'
  | 'link-broken'
  | 'link-loop'
  | 'link-closed'

/** `path` is printable; `why` is a sentence that names it. */
export type Warning = { readonly kind: WarningKind; readonly path: string; readonly why: string }

export class Warnings {
  readonly list: Warning[] = []
  /** How many more there were. */
  more = 0

  /** @param rest completes a sentence that begins with the path. */
  add(kind: WarningKind, path: string, rest: string): void {
    if (this.list.length >= warningsMax) {
      this.more++
      return
    }
    const shown = printable(path)
    this.list.push({ kind, path: shown, why: `${shown} ${rest}` })
  }
}

/** One line of visible characters: the rest as `\u{…}`. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu, (found) =>
    found === '\\' ? '\\\\' : `\\u{${found.codePointAt(0)?.toString(16)}}`,
  )
