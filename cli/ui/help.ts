/** Help, made of what the commands declare. Always holds: no line is wider than 80 columns. */
import { version } from '../../schemas/version.ts'
import type { Command, Option } from '../command.ts'
import type { Entry } from '../registry.ts'
import { bold, cyan, type Piece } from './paint.ts'
import { wrap } from './text.ts'

const columns = 80
type Line = readonly Piece[]

const helpOption = ['-h, --help', 'this text'] as const
const globalOptions: readonly (readonly [string, string])[] = [
  ['--json', 'one JSON object on standard output, nothing else'],
  helpOption,
]
const environment: readonly (readonly [string, string])[] = [
  ['STEMMA_HOME', "stemma's own folder (~/.stemma)"],
  ['CODEX_HOME', 'the Codex home that is synced (~/.codex)'],
  ['NO_COLOR', 'set to anything: no colours'],
  ['STEMMA_DEBUG', '1 shows where an error comes from'],
]

/** All commands, or those that begin with the words of a group. */
export function listHelp(entries: readonly Entry[], group = ''): readonly Line[] {
  const shown = entries.filter((entry) => !entry.hidden && (!group || entry.path.startsWith(`${group} `)))
  return [
    ...(group
      ? []
      : [[bold('stemma'), ` ${version}: one Codex home on all your machines, from a signed log.`], []]),
    [bold('Usage')],
    [`  stemma ${group ? `${group} ` : ''}COMMAND [options]`],
    [],
    ...(group ? [[bold('Commands')], ...pairs(shown.map(toPair)), []] : byRole(shown)),
    [bold('Options')],
    ...pairs(group ? globalOptions : [...globalOptions, ['-v, --version', 'the version']]),
    ...(group ? [] : [[], [bold('Environment')], ...pairs(environment)]),
    [],
    // At the end, where it is still to be seen after a long list.
    ...(group ? [] : [[bold('Begin here')], ...pairs(beginning), []]),
    ['`stemma COMMAND --help` explains one command, with examples.'],
  ]
}

/** What a newcomer needs. */
const beginning: readonly (readonly [string, string])[] = [
  ['stemma demo', 'see it at work in a scratch folder'],
  ['stemma master init', 'where the original home is; then `master serve`'],
  ['stemma follower join LINK', 'on every other machine; `master link` prints LINK'],
]

const toPair = ({ path, summary }: Entry) => [path, summary] as const

/** Which machines have use for a command, by its first word. What is not named here is for any. */
const roles: readonly { readonly title: string; readonly words: readonly string[] }[] = [
  { title: 'On the master', words: ['master'] },
  { title: 'On a follower', words: ['follower', 'sync', 'apply', 'plan', 'conflicts', 'resolve'] },
  { title: 'Where Codex starts', words: ['hook', 'run', 'shim'] },
  { title: 'On any machine', words: ['status', 'trust', 'demo', 'completions'] },
]

/** Every command below the role that has use for it. */
function byRole(entries: readonly Entry[]): readonly Line[] {
  const first = ({ path }: Entry) => path.split(' ', 1)[0] ?? ''
  const placed = roles.map(({ title, words }) => ({
    title,
    mine: entries.filter((entry) => words.includes(first(entry))),
  }))
  const known = new Set(placed.flatMap(({ mine }) => mine))
  const others = entries.filter((entry) => !known.has(entry))
  const left = Math.max(0, ...entries.map(({ path }) => path.length))
  return placed.flatMap(({ title, mine }, at): Line[] => {
    const all = at === placed.length - 1 ? [...mine, ...others] : mine
    return all.length === 0 ? [] : [[bold(title)], ...pairs(all.map(toPair), left), []]
  })
}

export function commandHelp(entry: Entry, command: Command): readonly Line[] {
  const { args, options, about, examples } = command
  const usage = [entry.path, ...args, '[options]'].join(' ')
  const own = Object.entries(options).map(([name, option]) => [spell(name, option), option.summary] as const)
  return [
    ...wrap(`${entry.summary}.`, columns).map((line): Line => [line]),
    [],
    [bold('Usage')],
    [`  stemma ${usage}`],
    ...(about.length > 0
      ? [[], ...about.flatMap((text) => wrap(text, columns).map((line): Line => [line]))]
      : []),
    [],
    [bold('Options')],
    ...pairs([...own, ...(command.answers ? globalOptions : [helpOption])]),
    ...(examples.length > 0
      ? [[], [bold('Examples')], ...examples.map((example): Line => ['  ', cyan(`stemma ${example}`)])]
      : []),
  ]
}

const spell = (name: string, option: Option): string =>
  option.kind === 'flag' ? `--${name}` : `--${name} ${option.value}`

/** A word, and what it means beside it, or below it where the word is long. */
function pairs(
  list: readonly (readonly [string, string])[],
  longest = Math.max(0, ...list.map(([word]) => word.length)),
): readonly Line[] {
  const left = Math.min(26, longest)
  const indent = 2 + left + 2
  return list.flatMap(([word, meaning]) => {
    const [first = '', ...more] = wrap(meaning, columns - indent)
    const rest = more.map((line): Line => [' '.repeat(indent), line])
    return word.length > left
      ? [[`  ${word}`], [' '.repeat(indent), first], ...rest]
      : [[`  ${word.padEnd(left)}  ${first}`], ...rest]
  })
}
