/**
 * The config.toml of a follower, or a profile: the canonical text with what Codex and the user wrote on this machine.
 * Pure. Always holds: the text means exactly what was weighed, type for type; every canonical statement that nobody
 * touched here keeps its bytes; merging the result again changes nothing.
 */
import { isMachineKey } from '../../schemas/config-key.ts'
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { cutDocument, type Document, isPair, readDocument, type Section } from '../toml/document.ts'
import { type Edited, sameBut, settle } from '../toml/edit.ts'
import { commentsWithin } from '../toml/scan.ts'
import { isTable, type Path, printPath, type Table, type Value } from '../toml/value.ts'
import { readCanonical, readCanonicalTable } from './canonical.ts'
import { judgeNames, judgeTable } from './judge.ts'
import { rewrite, weave } from './weave.ts'
import {
  type Choice,
  type Conflict,
  type Keep,
  printOr,
  type Standing,
  type Take,
  type Weighed,
  weigh,
} from './weigh.ts'

/** What a merge has to know of the one before: to be stored with its text, also when that did not change. */
export type Last = {
  /** The canonical text that was merged then. */
  readonly canonical: string
  /** The conflicts that were reported then. */
  readonly standing: readonly (Standing & { readonly key: string })[]
  /** Conflicts that the user settled with `local`, each with the canonical value that was turned down. */
  readonly settled: readonly (Choice & { readonly key: string })[]
  /** Comments in the merged text that were canonical once and are no longer: they go with what they stand at. */
  readonly former: readonly string[]
}

export type MergeInput = {
  readonly canonical: string
  /** The file as it lies on this machine; null when there is none. */
  readonly local: string | null
  /** Null when we never wrote this file. */
  readonly last: Last | null
  /** How the user settles conflicts, by key. */
  readonly take?: ReadonlyMap<string, Take>
}

export type Provenance = 'canonical' | 'machine' | 'local' | 'conflict'
/** Both values as TOML, null for none. They may be secret: whoever shows them redacts them. */
export type KeyConflict = Pick<Conflict, 'kind' | 'moved'> & {
  readonly key: string
  readonly canonical: string | null
  readonly local: string | null
}

export type Merged = {
  readonly text: string
  /** The text is the local file, byte for byte. */
  readonly unchanged: boolean
  /** The editor could not write it: the document was printed anew, without its comments. */
  readonly fallback: boolean
  /** Why Codex would refuse the text; it must then not be installed (S41). */
  readonly trouble: string | null
  readonly conflicts: readonly KeyConflict[]
  /** Differences that the user chose to keep. */
  readonly settled: readonly KeyConflict[]
  /** The keys of the last layer: what Codex or this machine wrote. */
  readonly kept: readonly string[]
  /** What the machine had written to servers that are gone. */
  readonly dropped: readonly string[]
  /** Where each key of the result comes from (N3). */
  readonly provenance: () => ReadonlyMap<string, Provenance>
  /** To be stored with the text. */
  readonly last: Last
}

/** @returns a refusal `bad-config` that says which of the two files is not TOML, and where. */
export function mergeConfig(input: MergeInput): Merged | Refusal {
  const canonical = on('canonical', readCanonical(input.canonical))
  if (isRefusal(canonical)) return canonical
  const local = on('local', readDocument(input.local ?? ''))
  if (isRefusal(local)) return local

  const { last } = input
  const base = readBase(input, canonical)
  const weighed = weigh({
    canonical: canonical.table,
    base,
    local: local.table,
    standing: new Map(last?.standing.map((one) => [one.key, one])),
    settled: new Map(last?.settled.map((one) => [one.key, one])),
    take: input.take ?? new Map(),
  })
  const { merged, keeps, conflicts, settled, dropped } = weighed
  // Before writing, which makes the canonical document the merged one.
  const trouble = judgeTable(merged) ?? judgeTogether(merged, canonical.table, local.table)
  // Where the file says what it should, its bytes are left alone: Codex has its own order.
  const removed = keeps.flatMap(({ path, value }) => (value === undefined ? [path] : []))
  const still =
    last?.canonical === input.canonical && input.local !== null && sameBut(merged, local.table, removed)
  const written = still
    ? { text: input.local ?? '', fallback: false, former: stillIn(local, last.former) }
    : write(input, { canonical, local, base }, weighed, removed)
  if (isRefusal(written)) return written
  const { text, fallback, former } = written
  return {
    text,
    fallback,
    unchanged: text === input.local,
    trouble,
    conflicts: conflicts.map(toKeyConflict),
    settled: settled.map(toKeyConflict),
    kept: keeps.flatMap(listMachine).sort(),
    dropped,
    provenance: () => trace(merged, keeps),
    last: {
      canonical: input.canonical,
      standing: conflicts.map(({ path, kind, moved }) => ({ key: printPath(path), kind, moved })),
      settled: settled.map(({ path, canonical: turned, kind, moved }) => ({
        ...{ key: printPath(path), canonical: printOr(turned), kind, moved },
      })),
      former,
    },
  }
}

function on(side: 'canonical' | 'local', document: Document | Refusal): Document | Refusal {
  if (!isRefusal(document)) return document
  const { refused, why, facts } = document
  return refuse(refused, `in the ${side} file ${why}`, { ...facts, side })
}

/** What was canonical when we last wrote. A text that is no TOML cannot have been merged: then nothing was ours. */
function readBase({ canonical, last }: MergeInput, now: Document): Table | null {
  if (last === null || last.canonical === canonical) return last && now.table
  return readCanonicalTable(last.canonical)
}

function write(
  input: MergeInput,
  {
    canonical,
    local,
    base,
  }: { readonly canonical: Document; readonly local: Document; readonly base: Table | null },
  weighed: Weighed,
  removed: readonly Path[],
): Written | Refusal {
  const { merged } = weighed
  const last = base && input.last
  const { isFormer, isKnown } = commentsOf(canonical, last)
  const print = (document: Document): Written | Refusal => {
    const edited = settle(document, merged, removed)
    if (isRefusal(edited)) return edited
    // Where nothing was merged before, no comment was canonical before.
    const comments = edited.fallback || last === null ? [] : commentsIn(document.sections)
    return { ...edited, former: [...comments].filter(isFormer) }
  }
  weave(canonical, local, weighed, isKnown)
  const woven = print(canonical)
  if (isRefusal(woven) || !woven.fallback) return woven
  const again = readCanonical(input.canonical)
  if (isRefusal(again)) return woven
  rewrite(again, local, weighed, isKnown)
  return print(again)
}
type Written = Edited & Pick<Last, 'former'>

function stillIn({ sections }: Document, former: readonly string[]): readonly string[] {
  if (former.length === 0) return former
  const comments = commentsIn(sections)
  return former.filter((comment) => comments.has(comment))
}

type Comments = Readonly<Record<'isFormer' | 'isKnown', (text: string) => boolean>>

/**
 * Whether a comment was canonical and is no longer, and whether it is or was.
 * @param last of a text that is TOML: it is cut up only when it has the words somewhere.
 */
function commentsOf(canonical: Document, last: Last | null): Comments {
  const now = commentsIn(canonical.sections)
  const former = new Set(last?.former)
  let then: Set<string> | null = null
  const isFormer = (text: string) => {
    const comment = text.trim()
    if (now.has(comment)) return false
    if (former.has(comment)) return true
    if (!last?.canonical.includes(comment)) return false
    then ??= commentsIn(cutDocument(last.canonical))
    return then.has(comment)
  }
  return { isFormer, isKnown: (text) => now.has(text.trim()) || isFormer(text) }
}

function commentsIn(sections: readonly Section[]): Set<string> {
  const comments = new Set<string>()
  const see = (text: string) => {
    if (text.includes('#')) comments.add(text.trim())
  }
  for (const { lead, header, body } of sections) {
    for (const { text } of lead) see(text)
    if (header) see(header.tail)
    for (const piece of body) {
      see(isPair(piece) ? piece.after : piece.text)
      if (isPair(piece) && piece.value.includes('#'))
        for (const comment of commentsWithin(piece.value)) see(comment)
    }
  }
  return comments
}

/** What either side lacks by itself is not our doing, and may be in another layer: only what both had can go missing. */
const judgeTogether = (merged: Table, ...sides: Table[]): string | null =>
  sides.every((side) => judgeNames(side) === null) ? judgeNames(merged) : null

function trace(merged: Table, keeps: readonly Keep[]): Map<string, Provenance> {
  const why = new Map(keeps.map((kept) => [printPath(kept.path), kept.why]))
  const provenance = new Map<string, Provenance>()
  const walk = (path: Path, value: Value, above: Provenance) => {
    const key = printPath(path)
    const from = isMachineKey(path) ? 'machine' : (why.get(key) ?? above)
    if (!isTable(value) || Object.keys(value).length === 0) provenance.set(key, from)
    else for (const [name, one] of Object.entries(value)) walk([...path, name], one, from)
  }
  for (const [name, value] of Object.entries(merged)) walk([name], value, 'canonical')
  return provenance
}

/** The machine's keys in what is kept: it may be a whole table of the user's own. */
function listMachine({ path, value, why }: Keep): string[] {
  const from = isMachineKey(path) ? 'machine' : why
  if (!isTable(value) || Object.keys(value).length === 0)
    return from === 'machine' && value !== undefined ? [printPath(path)] : []
  return Object.entries(value).flatMap(([key, one]) =>
    listMachine({ path: [...path, key], value: one, why: from }),
  )
}

const toKeyConflict = ({ path, kind, moved, canonical, local }: Conflict): KeyConflict => ({
  key: printPath(path),
  kind,
  moved,
  canonical: printOr(canonical),
  local: printOr(local),
})
