/**
 * Lines of a text with what may be secret in them taken out, by the names that values have and by the look of values.
 * Always holds: as many lines come out as went in; what is in doubt is hidden. It errs on that side on purpose: a line
 * that says too little can be looked up in the file, one that said too much cannot be taken back. The work grows with
 * the length of a text and no faster, whatever is in it: no pattern repeats what repeats in itself, and of two neighbours
 * in one that both repeat, no letter suits both.
 */
import { diffLineLettersMax } from '../../schemas/limits.ts'

export const mask = '‹hidden›'

/** Parts of names whose values are secret, in TOML, JSON, YAML, `.env`, shell, headers and arguments alike. */
const part =
  /pass(?:word|wd|phrase|code)|pwd|secret|token|credential|auth(?!or(?!i[sz]))|bearer|cookie|session_?id|private|signature|salt|api[_-]?key|webhook|dsn/i
/** How such a name may end, and whole names, of options too. */
const ending = /(?:^|[_.-])(?:keys?|pass|pin|headers?)$|^-*(?:env|environment)$/i

/** Does a value with this name say nothing to anybody but its owner? */
export const isSecretName = (key: string): boolean => part.test(key) || ending.test(key)

/** Words as names are written, and what joins one with its value: `TOKEN=…`, `"token": …`, `api_key => …`. */
const word = /[\w.-]+/g
const joint = /\\?["']?\s*(?:=>|:=|[:=])\s*/y
/** `--api-key abc`, and the name of a value in an address. */
const flag = /(?<![\w.-])(-[\w.-]+)\s+/g
const flagged = /(?!-)(?:"[^"]*"|'[^']*'|\S+)/y
const query = /[?&]([\w-]+)=/g
const queried = /[^&\s"']+/y
const inQuery = /key|token|secret|sig|auth|pass|code/i

/** Keys of config.toml whose values name variables of the environment, and are none themselves. */
const variableKey = /(?:^|_)env_(?:vars?|keys?|http_headers)$/i
/** Does a value below this key name a variable, as far as one can see? */
export const isVariableKey = (key: string): boolean => variableKey.test(key)
export function isVariableName(value: string): boolean {
  const [first = '', ...others] = value.split('_')
  return /^[A-Z]+$/.test(first) && others.every((one) => /^[A-Z0-9]+$/.test(one))
}

/** `[mcp_servers.docs.env]`: each value below it, up to the next header. */
const secretHeader = /\b(?:env|environment|headers|http_headers|secrets|credentials)["']?\s*\]/i
const header = /^\s*\[+[\w."' -]+\]+\s*(?:#|$)/
const pair = /^(\s*[\w."'-]+\s*=\s*)\S/

/** What keys and tokens look like, wherever they stand. */
const looks: readonly RegExp[] = [
  /\b(?:sk|rk|pk)[-_][\w-]{8,}/g,
  /\b(?:gh[oprsu]_|github_pat_|glpat-|npm_|hf_|pypi-|ya29\.|xox[a-z]-|AKIA|ASIA|AIza)[\w.-]{8,}/g,
  /\beyJ[\w.-]{8,}/g,
  /\b(?:Bearer|Basic)\s+[\w.~+/=-]{6,}/gi,
  /(?<=:\/\/)[^\s/@]+@/g,
]
/** Letters and digits mixed without a break, as nobody writes by hand. */
const long = /[\w+/=~-]{20,}/g
const unbroken = /[A-Za-z0-9]{20,}/g
const isRandom = (text: string): boolean =>
  (text.match(unbroken) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run))

/** One line, or one value, by itself. */
export function redactText(text: string): string {
  let shown = text
  for (const look of looks) shown = shown.replace(look, mask)
  shown = hideAfter(shown, query, (name) => inQuery.test(name), queried)
  shown = hideAfter(shown, flag, isSecretName, flagged)
  return shown.replace(long, (one) => (isRandom(one) ? mask : one))
}

/** The value behind each of these names that tells of a secret. */
function hideAfter(text: string, names: RegExp, tells: (name: string) => boolean, value: RegExp): string {
  let shown = ''
  let from = 0
  for (const found of text.matchAll(names)) {
    const end = found.index + found[0].length
    if (end <= from || !tells(found[1] ?? '')) continue
    value.lastIndex = end
    const hidden = value.exec(text)
    if (hidden === null) continue
    shown += `${text.slice(from, end)}${mask}`
    from = end + hidden[0].length
  }
  return shown + text.slice(from)
}

/** Where on a line the first value with the name of a secret begins; null for none. */
function valueIn(line: string): number | null {
  for (const { 0: name, index } of line.matchAll(word)) {
    joint.lastIndex = index + name.length
    const found = joint.exec(line)
    if (found === null || !isSecretName(name)) continue
    const at = joint.lastIndex
    if (
      !isVariableKey(name) ||
      !isVariableName(
        line
          .slice(at)
          .trim()
          .replace(/^(["'])(.*)\1$/, '$2'),
      )
    )
      return at
  }
  return null
}

/** How much of a line is shown. What a cut goes through may be half a secret, and goes with the rest. */
function shownLength(line: string): number {
  if (line.length <= diffLineLettersMax) return line.length
  return Math.max(...[' ', '\t'].map((space) => line.lastIndexOf(space, diffLineLettersMax - 1))) + 1
}

/** Whether a line still belongs to a value that was hidden above it. */
type Inside = (line: string) => boolean

export function redactLines(lines: readonly string[]): string[] {
  let inside: Inside | null = null
  let below = false
  return lines.map((line) => {
    if (inside?.(line)) return mask
    inside = null
    const pairAt = pair.exec(line)?.[1]?.length
    if (line.trimStart().startsWith('[') && secretHeader.test(line)) below = true
    else if (header.test(line)) below = false
    else if (below && pairAt !== undefined) {
      inside = rest(line.slice(pairAt), line)
      return upToMask(line, pairAt)
    }
    if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(line)) {
      let isOpen = true
      inside = (next) => {
        const was = isOpen
        isOpen = isOpen && !next.includes('-----END')
        return was
      }
      return mask
    }
    const at = valueIn(line)
    if (at === null) return upToMask(line, line.length)
    const value = line.slice(at).trimEnd()
    inside = rest(value, line)
    return upToMask(line, /^(?:true|false|null|none)?[,;]?$/i.test(value) ? line.length : at)
  })
}

/** The beginning of a line, and the mask for what is left out. */
function upToMask(line: string, length: number): string {
  const shown = Math.min(length, shownLength(line))
  return `${redactText(line.slice(0, shown))}${shown < line.length ? mask : ''}`
}

const indentOf = (line: string): number => line.length - line.trimStart().length

/** What of the lines below belongs to a hidden value that begins on this line; null when it ends there. */
function rest(value: string, line: string): Inside | null {
  const quote = /^("""|''')/.exec(value)?.[1]
  if (quote !== undefined) return value.slice(3).includes(quote) ? null : upTo((next) => next.includes(quote))
  // YAML: what is indented below an empty value, or below a block's mark.
  if (value === '' || /^[|>][-+0-9]*$/.test(value)) {
    const indent = indentOf(line)
    return (next) => next.trim() === '' || indentOf(next) > indent
  }
  let open = depth(value)
  if (open <= 0) return value.endsWith('\\') ? continued() : null
  return upTo((next) => {
    open += depth(next)
    return open <= 0
  })
}

/** Up to the line that ends it, with that line. */
function upTo(isEnd: Inside): Inside {
  let isOver = false
  return (line) => {
    if (isOver) return false
    isOver = isEnd(line)
    return true
  }
}

/** A shell's line that goes on in the next one. */
function continued(): Inside {
  let goesOn = true
  return (line) => {
    const was = goesOn
    goesOn = line.trimEnd().endsWith('\\')
    return was
  }
}

const depth = (text: string): number =>
  (text.match(/[[{(]/g) ?? []).length - (text.match(/[\]})]/g) ?? []).length
