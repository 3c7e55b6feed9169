/**
 * Lines of a text with what may be secret in them taken out, by the names that values have and by the look of values.
 * Always holds: as many lines come out as went in; what is in doubt is hidden. It errs on that side on purpose: a line
 * that says too little can be looked up in the file, one that said too much cannot be taken back.
 */

export const mask = '‹hidden›'

/** Parts of names whose values are secret, in TOML, JSON, YAML, `.env`, shell, headers and arguments alike. */
const part =
  'pass(?:word|wd|phrase|code)s?|pwd|secrets?|tokens?|credentials?|auth(?!or(?!i[sz]))\\w*|bearer|cookies?|session_?id|private|signature|salt|api[_-]?keys?|webhook|dsn'
/** Whole names. */
const whole = '(?:[\\w.-]*[_.-])?(?:keys?|pass|pin)|env|environment|(?:[\\w.-]*_)?headers?'
const name = `[\\w.-]*(?:${part})[\\w.-]*|${whole}`
const isSecretForm = new RegExp(`^(?:${name})$`, 'i')

/** Does a value with this name say nothing to anybody but its owner? */
export const isSecretName = (key: string): boolean => isSecretForm.test(key)

/** Keys of config.toml whose values name variables of the environment, and are none themselves. */
const variableKey = /(?:^|_)env_(?:vars?|keys?|http_headers)$/i
const variableName = /^[A-Z]+(?:_[A-Z0-9]+)*$/
/** Does a value below this key name a variable, as far as one can see? */
export const isVariableKey = (key: string): boolean => variableKey.test(key)
export const isVariableName = (value: string): boolean => variableName.test(value)

/** `TOKEN=…`, `"token": …`, `api_key = …`: the name, what joins the two, and the rest of the line. */
const assigned = new RegExp(
  `(?<![\\w.-])(?:export\\s+)?(["']?)(${name})\\1(\\s*(?:=>|:=|[:=])\\s*)(\\S.*)?$`,
  'i',
)
/** `--api-key abc`, `-H abc`. */
const passed = new RegExp(`(?<![\\w-])(--?(?:${name}))(\\s+)(?!-)\\S+`, 'gi')
/** `[mcp_servers.docs.env]`: each value below it, up to the next header. */
const secretHeader =
  /^\s*\[+\s*[^\]]*\b(?:env|environment|headers|http_headers|secrets|credentials)["']?\s*\]+/i
const header = /^\s*\[+[\w."' -]+\]+\s*(?:#.*)?$/
const pair = /^(\s*[\w."'-]+\s*=\s*)\S.*$/

/** What keys and tokens look like, wherever they stand. */
const looks: readonly RegExp[] = [
  /\b(?:sk|rk|pk)[-_][\w-]{8,}/g,
  /\b(?:gh[oprsu]_|github_pat_|glpat-|npm_|hf_|pypi-|ya29\.|xox[a-z]-|AKIA|ASIA|AIza)[\w.-]{8,}/g,
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g,
  /\b(?:Bearer|Basic)\s+[\w.~+/=-]{6,}/gi,
  /(?<=:\/\/)[^\s/@]+@/g,
  /(?<=[?&](?:[\w-]*(?:key|token|secret|sig|auth|pass|code)[\w-]*)=)[^&\s"']+/gi,
]
/** Letters and digits mixed without a break, as nobody writes by hand. */
const random = /[\w+/=~-]*[A-Za-z0-9]{20,}[\w+/=~-]*/g
const isRandom = (word: string): boolean =>
  (word.match(/[A-Za-z0-9]{20,}/g) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run))

/** One line, or one value, by itself. */
export function redactText(text: string): string {
  let shown = text
  for (const look of looks) shown = shown.replace(look, mask)
  shown = shown.replace(passed, (_all, flag: string, space: string) => `${flag}${space}${mask}`)
  return shown.replace(random, (word) => (isRandom(word) ? mask : word))
}

/** Whether a line still belongs to a value that was hidden above it. */
type Inside = (line: string) => boolean

export function redactLines(lines: readonly string[]): string[] {
  let inside: Inside | null = null
  let below = false
  return lines.map((line) => {
    if (inside?.(line)) return mask
    inside = null
    if (secretHeader.test(line)) below = true
    else if (header.test(line)) below = false
    else if (below && pair.test(line)) {
      inside = rest(
        line.replace(pair, (all, left: string) => all.slice(left.length)),
        line,
      )
      return line.replace(pair, `$1${mask}`)
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
    const found = assigned.exec(line)
    if (found === null) return redactText(line)
    const value = found[4] ?? ''
    if (isVariableKey(found[2] ?? '') && isVariableName(value.replace(/^(["'])(.*)\1$/, '$2')))
      return redactText(line)
    inside = rest(value, line)
    if (/^(?:true|false|null|none)?[,;]?$/i.test(value)) return line
    return `${redactText(line.slice(0, line.length - value.length))}${mask}`
  })
}

const indentOf = (line: string): number => line.length - line.trimStart().length

/** What of the lines below belongs to a hidden value that begins on this line; null when it ends there. */
function rest(value: string, line: string): Inside | null {
  const quote = /^("""|''')/.exec(value)?.[1]
  if (quote !== undefined) return value.slice(3).includes(quote) ? null : upTo((next) => next.includes(quote))
  // YAML: what is indented below an empty value, or below a block's mark.
  if (/^(?:[|>][-+0-9]*)?$/.test(value)) {
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
    goesOn = line.endsWith('\\')
    return was
  }
}

const depth = (text: string): number =>
  (text.match(/[[{(]/g) ?? []).length - (text.match(/[\]})]/g) ?? []).length
