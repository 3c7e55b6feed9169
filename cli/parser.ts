/**
 * From words on a command line to a command and its values.
 * Always holds: every word is either understood or refused; a value stays the text that was typed.
 */
import { cac } from 'cac'
import { isRefusal, type Refusal, refuse, unreachable } from '../schemas/fault.ts'
import { type Command, type Option, type OptionValue, type Parsed, wordOf } from './command.ts'
import { meant, suggest } from './ui/suggest.ts'

/** What every command understands; one without an answer of its own has no use for the first. */
export const globalFlags = {
  json: 'One JSON object on standard output',
  help: 'Explain the command',
} as const

/**
 * No argument of a process can hold a NUL. With it in front a word is text to `cac`, which otherwise reads
 * numbers where it sees digits: `1e3`, `007` and a fingerprint without letters would be changed.
 */
const mark = '\0'

export type Chosen<E> = {
  readonly entry: E
  /** Everything after the command's own words. */
  readonly rest: readonly string[]
}
/** Words that begin commands but are none: `master`. */
export type Group = { readonly group: string; readonly rest: readonly string[] }

/** Finds the command with the most words at the beginning of a line; the global flags may stand before it. */
export function choose<E extends { readonly path: string; readonly hidden?: true }>(
  entries: readonly E[],
  words: readonly string[],
): Chosen<E> | Group | Refusal {
  const flags: string[] = []
  let path = ''
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '-h' || Object.keys(globalFlags).some((name) => word === `--${name}`)) {
      flags.push(word)
      continue
    }
    const next = path ? `${path} ${word}` : word
    if (word.startsWith('-') || !entries.some((entry) => `${entry.path} `.startsWith(`${next} `))) break
    path = next
  }
  const rest = [...flags, ...words.slice(at)]
  const entry = entries.find((one) => one.path === path)
  if (entry) return { entry, rest }
  const word = words[at]
  if (word === undefined) return { group: path, rest }
  if (word.startsWith('-'))
    return unknownOption(word, [...Object.keys(globalFlags), ...(path ? [] : ['version'])], path)
  const typed = path ? `${path} ${word}` : word
  const shown = entries.filter((one) => !one.hidden).map((one) => one.path)
  return refuse('usage', `There is no command \`${typed}\`${meant(nearest(shown, path, word))}`, {
    help: path,
  })
}

/** The commands of which `word` behind `path` may be a slip: `join` alone is `follower join`. */
function nearest(paths: readonly string[], path: string, word: string): readonly string[] {
  const last = (one: string) => one.slice(one.lastIndexOf(' ') + 1)
  const named = paths.filter((one) => last(one) === word)
  if (named.length > 0) return named
  const depth = path ? path.split(' ').length : 0
  const siblings = paths.filter((one) => !path || one.startsWith(`${path} `))
  const near = suggest(
    word,
    siblings.map((one) => one.split(' ')[depth] ?? ''),
  )
  if (near !== null) return [path ? `${path} ${near}` : near]
  const far = suggest(word, paths.map(last))
  return far === null ? [] : paths.filter((one) => last(one) === far)
}

/** Checks and decodes what follows the command's words. */
export function parse(path: string, command: Command, words: readonly string[]): Parsed | Refusal {
  const globals = Object.keys(globalFlags).filter((name) => command.answers || name !== 'json')
  const declared: Readonly<Record<string, Option | null>> = {
    ...command.options,
    ...Object.fromEntries(globals.map((name) => [name, null])),
  }
  const end = words.indexOf('--')
  const before = end === -1 ? words : words.slice(0, end)
  // Whoever asks for help has not got the rest right yet.
  if (before.includes('--help') || before.includes('-h')) return { args: [], options: { help: true } }
  for (const word of before) {
    if (!word.startsWith('-') || word === '-h') continue
    const [name = '', value] = split(word.slice(2))
    if (!word.startsWith('--') || !Object.hasOwn(declared, name))
      return unknownOption(word, Object.keys(declared), path)
    const kind = declared[name]?.kind ?? 'flag'
    if (kind === 'flag' && value !== undefined)
      return refuse('usage', `The option --${name} takes no value.`, { help: path })
  }

  const { args: typed, found } = read(declared, before)
  const args = [...typed, ...(end === -1 ? [] : words.slice(end + 1))]
  const options: Record<string, OptionValue> = {}
  for (const [name, option] of Object.entries(declared)) {
    const value = decode(name, option, found(name), path)
    if (isRefusal(value)) return value
    options[name] = value
  }
  return countArgs(path, command.args, args) ?? checkArgs(path, command, args) ?? { args, options }
}

/** Runs `cac` over marked words; what comes back is unmarked text, or true for a switch. */
function read(declared: Readonly<Record<string, Option | null>>, words: readonly string[]) {
  const cli = cac('stemma')
  const main = cli.command('[...args]')
  for (const [name, option] of Object.entries(declared)) {
    const short = name === 'help' ? '-h, ' : ''
    // `cac` has its own idea of options that begin with no-: here they are words like all others.
    main.option(`${short}--${toKey(name)}${option && option.kind !== 'flag' ? ` <${option.value}>` : ''}`, '')
  }
  const marked = words.map((word) => {
    if (!word.startsWith('-')) return mark + word
    if (!word.startsWith('--')) return word
    const [name = '', value] = split(word.slice(2))
    return `--${toKey(name)}${value === undefined ? '' : `=${mark}${value}`}`
  })
  const parsed: { args: readonly unknown[]; options: Readonly<Record<string, unknown>> } = cli.parse(
    ['node', 'stemma', ...marked],
    { run: false },
  )
  const unmark = (value: unknown) => (typeof value === 'string' ? value.replace(mark, '') : value)
  return {
    args: parsed.args.map((value) => String(unmark(value))),
    found: (name: string): readonly unknown[] => [parsed.options[toKey(name)] ?? []].flat().map(unmark),
  }
}

const toKey = (name: string): string =>
  name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

function split(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=')
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

function decode(
  name: string,
  option: Option | null,
  values: readonly unknown[],
  path: string,
): OptionValue | Refusal {
  const bad = (why: string, end = '.') => refuse('usage', `The option --${name} ${why}${end}`, { help: path })
  if (option === null || option.kind === 'flag') return values.length > 0
  const given = values.filter((value) => typeof value === 'string')
  // Without a value after it an option is a mere `true`.
  if (given.length < values.length) return bad(`needs a value: --${name} ${option.value}`)
  if (option.kind === 'texts') return given
  if (given.length > 1) return bad('is given more than once')
  const [value] = given
  if (value === undefined) return undefined
  switch (option.kind) {
    case 'text':
      return value === '' ? bad(`needs a value: --${name} ${option.value}`) : value
    case 'whole':
      return /^[0-9]{1,15}$/.test(value) && Number(value) <= option.max
        ? Number(value)
        : bad(`needs a whole number from 0 to ${option.max}`)
    case 'choice':
      return option.choices.includes(value) ? value : bad(...oneOf(value, option.choices))
    default:
      return unreachable(option.kind)
  }
}

function countArgs(path: string, wanted: readonly string[], args: readonly string[]): Refusal | null {
  const lacking = wanted[args.length]
  if (lacking !== undefined && !lacking.startsWith('['))
    return refuse('usage', `\`stemma ${path}\` needs ${lacking}.`, { help: path })
  const extra = args[wanted.length]
  if (extra !== undefined && !wanted.at(-1)?.endsWith('...]'))
    return refuse('usage', `\`stemma ${path}\` has no use for \`${extra}\`.`, { help: path })
  return null
}

/** Arguments that are one of few words. */
function checkArgs(path: string, command: Command, args: readonly string[]): Refusal | null {
  for (const [at, arg] of command.args.entries()) {
    const [word, value, known] = [wordOf(arg), args[at], command.known[wordOf(arg)]]
    if (value === undefined || typeof known !== 'object' || known.includes(value)) continue
    return refuse('usage', `${word} ${oneOf(value, known).join('')}`, { help: path })
  }
  return null
}

const oneOf = (value: string, choices: readonly string[]): readonly [string, string] => [
  `must be one of ${choices.join(', ')}`,
  meant(suggest(value, choices)),
]

function unknownOption(word: string, names: readonly string[], path: string): Refusal {
  const [typed] = split(word)
  const near = suggest(typed.replace(/^-+/, ''), names)
  const of = path ? `\`stemma ${path}\`` : '`stemma`'
  return refuse('usage', `${of} has no option \`${typed}\`${meant(near && `--${near}`)}`, { help: path })
}
