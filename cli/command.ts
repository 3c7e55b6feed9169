/**
 * A command as data: its words, its options, its examples, and the function behind them. Help, parsing and
 * completion are read off it. Always holds: a command gets only options it declared, with the types it declared.
 */
import type { ExitCode } from '../schemas/code.ts'
import type { Context } from './context.ts'

/** `value` is the word that stands for it in help: `--port PORT`. */
export type Option = {
  readonly kind: 'flag' | 'text' | 'texts' | 'whole' | 'choice'
  readonly summary: string
  readonly value: string
  readonly choices: readonly string[]
  readonly max: number
}
const option = <K extends Option['kind']>(kind: K, summary: string, more: Partial<Option> = {}) => ({
  value: '',
  choices: [],
  max: 0,
  ...more,
  kind,
  summary,
})

/** On or off. A name that begins with `no-` is on when it is given, like any other. */
export const flag = (summary: string) => option('flag', summary)
export const text = (value: string, summary: string) => option('text', summary, { value })
/** May be given more than once. */
export const texts = (value: string, summary: string) => option('texts', summary, { value })
/** A whole number from 0 to `max`. */
export const whole = (value: string, max: number, summary: string) => option('whole', summary, { value, max })
export const choice = <const C extends readonly string[]>(choices: C, summary: string) => ({
  ...option('choice', summary, { value: choices.join('|') }),
  choices,
})

export type Options = Readonly<Record<string, Option>>
export type OptionValue = boolean | string | number | readonly string[] | undefined
type Value<O extends Option> = {
  flag: boolean
  text: string | undefined
  texts: readonly string[]
  whole: number | undefined
  choice: O['choices'][number] | undefined
}[O['kind']]
/** Where the words come from that an argument or a value may be: these words, files, or what `stemma known` lists. */
export type Source = readonly string[] | 'files' | Listed
/** Names that only this machine knows; `waiting` and `enrolled` are followers of its master. */
export const listed = ['waiting', 'enrolled', 'conflicts'] as const
export type Listed = (typeof listed)[number]

type Values<O extends Options> = { readonly [K in keyof O]: Value<O[K]> }

/** `PATH` must be given, `[PATH]` may, `[PATH...]` takes all that is left. */
type Args<A extends readonly string[]> = A extends readonly [
  infer First extends string,
  ...infer Rest extends readonly string[],
]
  ? First extends `[${string}...]`
    ? readonly string[]
    : First extends `[${string}]`
      ? readonly [string | undefined, ...Args<Rest>]
      : readonly [string, ...Args<Rest>]
  : readonly []

/** The word of an argument, as `known` has it. */
export const wordOf = (arg: string): string => arg.replace(/^\[|(?:\.\.\.)?\]$/g, '')

/** What the parser makes of a command line, checked against the command's declaration. */
export type Parsed = {
  readonly args: readonly string[]
  readonly options: Readonly<Record<string, OptionValue>>
}

export type Command = {
  readonly args: readonly string[]
  readonly options: Options
  /** What an argument may be, by its word without brackets; words that are listed are checked. */
  readonly known: Readonly<Record<string, Source>>
  /** Lines below the usage: what a summary cannot say. */
  readonly about: readonly string[]
  /** Each without the leading `stemma`. */
  readonly examples: readonly string[]
  /** Has it an answer of its own, which `--json` could shape? */
  readonly answers: boolean
  run(context: Context, parsed: Parsed): Promise<ExitCode>
}

/** Declares a command. Its words and its summary stand in the registry, which help reads without loading it. */
export function define<const A extends readonly string[], const O extends Options>(declared: {
  readonly args: A
  readonly options: O
  readonly known?: Readonly<Record<string, Source>>
  readonly about?: readonly string[]
  readonly examples: readonly string[]
  readonly answers?: false
  run(context: Context, args: Args<A>, options: Values<O>): Promise<ExitCode>
}): Command {
  return {
    args: declared.args,
    options: declared.options,
    known: declared.known ?? {},
    about: declared.about ?? [],
    examples: declared.examples,
    answers: declared.answers ?? true,
    // The parser decoded them by this very declaration.
    run: (context, parsed) => declared.run(context, parsed.args as Args<A>, parsed.options as Values<O>),
  }
}
