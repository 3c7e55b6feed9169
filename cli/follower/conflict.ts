/**
 * Conflicts, in words and as JSON: which file or key, why it is one, and what differs.
 * Always holds: a difference is shown only in the form that `engine/show` gives it, with what may be secret hidden.
 */
import type { Conflict } from '../../engine/apply/plan.ts'
import type { InnerConflict } from '../../engine/compose/compose.ts'
import { type Comparison, compare } from '../../engine/show/compare.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Context } from '../context.ts'
import { counted } from '../ui/amount.ts'
import { bold, cyan, dim, green, type Piece, red, yellow } from '../ui/paint.ts'
import { suggest } from '../ui/suggest.ts'
import type { FollowerDesk } from './desk.ts'

/** Listed in the answer to another command. */
const shownMax = 20

const settling = 'Settle each with `stemma resolve PATH --take canonical|local`.'

/** A conflict as it is reported: of a file, or of a key within a composed one. No values: they may be secret. */
export type Shown = {
  readonly path: string
  readonly key: string | null
  readonly kind: Conflict['kind']
  readonly at: string
  readonly canonical: string | null
  readonly local: string | null
  /** Goes on after the name of the file or key. */
  readonly why: string
}

/** What is at issue, after the name of the file or key. */
function whyOf({
  path,
  kind,
  at,
  moved,
}: Pick<Conflict, 'path' | 'kind' | 'at'> & Pick<InnerConflict, 'moved'>): string {
  const behind = at === path ? '' : ` (${at})`
  if (moved === 'since-choice')
    return kind === 'orphaned'
      ? 'was kept by your choice, and is no longer canonical'
      : 'was kept by your choice, and the master changed it since'
  return {
    edited: moved === 'too' ? 'was changed here and on the master' : 'was changed here',
    deleted: moved === 'too' ? 'was deleted here, and changed on the master' : 'was deleted here',
    exists: 'was here before and differs from the canonical one',
    orphaned: 'is no longer canonical, but was changed here',
    linked: at === path ? 'is a symbolic link here' : `lies behind a symbolic link here${behind}`,
    blocked: `has something else in its place${behind}`,
    twin: `has a local twin that differs only in case or Unicode form${behind}`,
  }[kind]
}

const showFile = (conflict: Conflict): Shown => {
  const { path, kind, at, canonical, local } = conflict
  return {
    path,
    key: null,
    kind,
    at,
    canonical,
    local,
    why: whyOf({ ...conflict, moved: conflict.moved ? 'too' : 'no' }),
  }
}
const showKey = ({ path, key, kind, moved }: InnerConflict): Shown => ({
  ...{ path, key, kind, at: path, canonical: null, local: null },
  why: whyOf({ path, kind, at: path, moved }),
})

export const conflictsOf = (conflicts: readonly Conflict[], inner: readonly InnerConflict[]): Shown[] => [
  ...conflicts.map(showFile),
  ...inner.map(showKey),
]

export const nameOf = ({ path, key }: Shown): string => (key === null ? path : `${path}#${key}`)
/** As people name one: the file, the key, or both. */
export const isCalled = (shown: Shown, words: string): boolean =>
  shown.path === words || shown.key === words || nameOf(shown) === words

/** What a shell completes to is a path from here. */
export const withoutDot = (words: string): string => words.replace(/^(?:\.\/+)+/, '')

/** Those of this name. @throws Fault `no-conflict` with the name that may have been meant. */
export function mustFind<S extends Shown>(all: readonly S[], words: string): readonly S[] {
  const found = all.filter((one) => isCalled(one, words))
  if (found.length > 0) return found
  const near = nearest(all, words)
  const meant = near === null ? '.' : `; did you mean ${near}?`
  throw new Fault('no-conflict', `There is no conflict at ${words}${meant}`, { path: words })
}

/** The name with a slip in it, or the only one that ends so: `docs.url` of `mcp_servers.docs.url`. */
function nearest(all: readonly Shown[], words: string): string | null {
  const names = all.flatMap(({ path, key }) => (key === null ? [path] : [key, path]))
  const near = suggest(words, names) ?? suggest(words, all.map(nameOf))
  if (near !== null) return near
  const ends = names.filter((name) => ['.', '/'].some((mark) => name.endsWith(`${mark}${words}`)))
  return new Set(ends).size === 1 ? (ends[0] ?? null) : null
}

/** What has become of those that their user has settled. True when it named `kept`, the archives with what was replaced. */
export function tellSettled(
  { out }: Context,
  settled: readonly Shown[],
  take: 'canonical' | 'local',
  kept: readonly string[],
): boolean {
  let isNamed = false
  for (const { path, key, kind } of settled.slice(0, shownMax)) {
    const isGone = kind === 'orphaned' && take === 'canonical'
    const local = kind === 'deleted' ? 'it stays deleted' : 'yours stays'
    const until = kind === 'orphaned' ? '' : ' until the canonical one changes'
    const isKept = take === 'canonical' && kept.length > 0 && kind !== 'deleted'
    isNamed ||= isKept
    const backup = isKept ? `; yours is in ${kept.join(' and ')}` : ''
    const what = take === 'local' ? `${local}${until}` : `${isGone ? 'removed' : 'canonical'}${backup}`
    out.flow(0, green('Settled: '), `${key ?? path}: ${what}.`)
  }
  if (settled.length > shownMax) out.line(dim(`  and ${settled.length - shownMax} more`))
  return isNamed
}

export function tellConflicts({ out }: Context, conflicts: readonly Shown[]): void {
  if (conflicts.length === 0) return
  out.line(yellow(counted(conflicts.length, 'conflict')), ' (the local file was kept):')
  for (const shown of conflicts.slice(0, shownMax)) out.flow(2, nameOf(shown), dim(` ${shown.why}`))
  if (conflicts.length > shownMax) out.line(dim(`  and ${conflicts.length - shownMax} more`))
  out.line('See what differs with `stemma conflicts --diff`.')
  out.line(settling)
}

/** What the user chose to keep, each as `resolve` takes it. */
export function tellKept({ out }: Context, settled: readonly Shown[]): void {
  if (settled.length === 0) return
  out.flow(0, yellow('Kept by your choice: '), settled.map(nameOf).join(', '))
}

export type Compared = Shown & { readonly diff: Comparison }

/** Each with what differs. */
export async function compareAll(
  { disk, context, follower }: FollowerDesk,
  conflicts: readonly Conflict[],
  inner: readonly InnerConflict[],
): Promise<Compared[]> {
  const { codexHome } = context.homes
  const place = { disk, codexHome, blobs: follower.blobs, files: follower.state?.files() ?? new Map() }
  const compared: Compared[] = []
  for (const one of conflicts) compared.push({ ...showFile(one), diff: await compare(place, one) })
  for (const one of inner) {
    const hidden = 'Its commands may hold secrets: its contents are not shown.'
    compared.push({ ...showKey(one), diff: one.difference ?? { hidden } })
  }
  return compared
}

const marks: Readonly<Record<string, (text: string) => Piece>> = {
  '-': red,
  '+': green,
  '@': cyan,
  '\\': dim,
}

export function tellCompared({ out }: Context, compared: readonly Compared[]): void {
  for (const one of compared) {
    out.flow(0, bold(nameOf(one)), ` ${one.why}`)
    if ('hidden' in one.diff) out.flow(2, dim(one.diff.hidden))
    else {
      const { lines, more } = one.diff
      for (const line of lines) {
        const text = line.replaceAll('\t', '→   ')
        out.line('  ', marks[line.slice(0, 1)]?.(text) ?? text)
      }
      if (more > 0) out.line(dim(`  and ${counted(more, 'more line')}`))
    }
    out.line()
  }
  if (compared.some(({ diff }) => 'lines' in diff)) out.line('`-` is what lies here, `+` what is canonical.')
  out.line(settling)
}
