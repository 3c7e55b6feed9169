/**
 * What can be typed, read off the commands' own declarations: their words, options, values and arguments.
 * Always holds: whatever a shell offers is something that the parser takes, and hidden commands are not offered.
 */
import { type Option, type Source, wordOf } from '../command.ts'
import type { Entry } from '../registry.ts'

export type Offer = { readonly word: string; readonly about: string }

/** What may follow some words: `''`, `master`, `master serve`. */
export type Place = {
  readonly path: string
  /** Words that go on from here to a command. */
  readonly words: readonly Offer[]
  readonly flags: readonly Offer[]
  /** Options that a value follows. */
  readonly values: readonly (Offer & { readonly source: Source | null; readonly repeats: boolean })[]
  readonly args: readonly { readonly source: Source | null; readonly isRest: boolean }[]
}

const help: Offer = { word: '--help', about: 'explain the command' }
const json: Offer = { word: '--json', about: 'one JSON object on standard output' }
const version: Offer = { word: '--version', about: 'the version' }

/** Loads every command. */
export async function grammarOf(entries: readonly Entry[]): Promise<readonly Place[]> {
  const shown = entries.filter(({ hidden }) => !hidden)
  const commands = await Promise.all(shown.map(placeOf))
  const groups = new Set(
    shown.flatMap(({ path }) => (path.includes(' ') ? [path.replace(/ [^ ]*$/, '')] : [])),
  )
  return ['', ...groups]
    .map(
      (path): Place => ({
        path,
        words: wordsBelow(shown, path),
        flags: path === '' ? [help, json, version] : [help],
        values: [],
        args: [],
      }),
    )
    .concat(commands)
}

function wordsBelow(entries: readonly Entry[], path: string): readonly Offer[] {
  const found = new Map<string, string[]>()
  for (const entry of entries) {
    if (path !== '' && !entry.path.startsWith(`${path} `)) continue
    const [word = '', ...more] = entry.path.slice(path === '' ? 0 : path.length + 1).split(' ')
    const about = more.length === 0 ? entry.summary : more.join(' ')
    found.set(word, [...(found.get(word) ?? []), about])
  }
  return [...found].map(([word, about]) => ({ word, about: about.join(', ') }))
}

async function placeOf(entry: Entry): Promise<Place> {
  const { args, options, known, answers } = await entry.load()
  const all = Object.entries(options)
  return {
    path: entry.path,
    words: [],
    flags: [
      ...all.filter(([, { kind }]) => kind === 'flag').map(([name, option]) => offerOf(name, option)),
      ...(answers ? [json] : []),
      help,
    ],
    values: all
      .filter(([, { kind }]) => kind !== 'flag')
      .map(([name, option]) => ({
        ...offerOf(name, option),
        source: option.kind === 'choice' ? option.choices : byWord(option.value),
        repeats: option.kind === 'texts',
      })),
    args: args.map((arg) => ({
      source: known[wordOf(arg)] ?? byWord(wordOf(arg)),
      isRest: arg.endsWith('...]'),
    })),
  }
}

const offerOf = (name: string, { summary }: Option): Offer => ({ word: `--${name}`, about: summary })

/** A path is meant where the word for a value says so. */
const byWord = (word: string): Source | null => (/^(?:FILE|FOLDER|PATH)$/.test(word) ? 'files' : null)
