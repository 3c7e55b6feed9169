/**
 * What the scripts for all shells are made of: tables of what may follow which words.
 * Always holds: a script is made of the grammar alone, so two of one version are the same; it never lets a shell read
 * a name as code.
 */
import type { Source } from '../command.ts'
import type { Place } from './grammar.ts'

export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof shells)[number]

/** `=canonical local`, `files`, or what `stemma known` is asked for; '' where a shell has nothing to offer. */
export const spell = (source: Source | null): string =>
  source === null ? '' : typeof source === 'string' ? source : `=${source.join(' ')}`

/**
 * What is offered for a value (`follower join --take`) or an argument, by its number (`resolve 0`); any further number
 * is `*`, with which values that have nothing to offer must not be mixed up.
 */
export function sources(
  places: readonly Place[],
): readonly { readonly path: string; readonly slot: string; readonly source: string }[] {
  return places.flatMap(({ path, values, args }) => {
    const all = [
      ...values.map(({ word, source }) => ({ path, slot: word, source: spell(source) })),
      ...args.map(({ source, isRest }, at) => ({
        path,
        slot: isRest ? '*' : `${at}`,
        source: spell(source),
      })),
    ]
    return args.some(({ isRest }) => isRest) ? all : all.filter(({ source }) => source !== '')
  })
}

/** Options that may be given again. */
export const repeating = (places: readonly Place[]): readonly string[] =>
  places.flatMap(({ path, values }) =>
    values.filter(({ repeats }) => repeats).map(({ word }) => `${path} ${word}`),
  )
