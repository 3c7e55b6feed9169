/**
 * S3, S43–S45 over random histories: a canonical file and a local one that grew from it, each changed at will.
 * Judged from the parsed tables alone, without the code that decides.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalOf } from '../../../engine/merge/canonical.ts'
import { type Last, type Merged, mergeConfig } from '../../../engine/merge/merge.ts'
import type { Take } from '../../../engine/merge/weigh.ts'
import { toSections } from '../../../engine/toml/document.ts'
import { editDocument } from '../../../engine/toml/edit.ts'
import { leadsTo } from '../../../engine/toml/inline.ts'
import { readToml } from '../../../engine/toml/toml.ts'
import {
  isTable,
  type Path,
  printPath,
  same,
  type Table,
  type Value,
  valueAt,
} from '../../../engine/toml/value.ts'
import { answeredKeys, isMachineKey } from '../../../schemas/config-key.ts'
import { isRefusal, type Refusal } from '../../../schemas/fault.ts'
import { documentsOf, editsOf } from '../toml/generate.ts'
import { isSubsequence, statementsOf } from '../toml/statements.ts'

const numRuns = Number(process.env['STEMMA_MERGE_CASES'] ?? 300)
fc.configureGlobal({ seed: Number(process.env['STEMMA_MERGE_SEED'] ?? 43) })

const path = fc.oneof(
  fc.constantFrom<Path>(
    ['model'],
    ['model_reasoning_effort'],
    ['approval_policy'],
    ['tui'],
    ['tui', 'theme'],
    ['tui', 'screen_reader_detection_done'],
    ['tui', 'model_availability_nux', 'm'],
    ['mcp_servers'],
    ['mcp_servers', 'docs'],
    ['mcp_servers', 'docs', 'command'],
    ['mcp_servers', 'docs', 'url'],
    ['mcp_servers', 'docs', 'args'],
    ['mcp_servers', 'docs', 'env', 'A'],
    ['mcp_servers', 'docs', 'tools', 'find', 'approval_mode'],
    ['mcp_servers', 'own', 'command'],
    ['mcp_servers', 'own', 'tools', 'run', 'approval_mode'],
    ['model_providers', 'gw', 'name'],
    ['projects', '/srv/a', 'trust_level'],
    ['projects', '/srv/b', 'trust_level'],
    ['projects'],
    ['hooks', 'state', '/x:stop:0:0', 'trusted_hash'],
    ['hooks', 'Stop'],
    ['notice', 'model_migrations', 'text'],
    ['notice', 'hide'],
    ['features', 'hooks'],
    ['features', 'plugins'],
    ['features'],
    ['log_dir'],
  ),
  fc.array(fc.constantFrom('a', 'b', 'model', 'tui'), { minLength: 1, maxLength: 3 }),
)
const edits = fc.array(editsOf(path), { maxLength: 4 })

/** A local file after a while: edits, and comments between its lines and on them. */
const marks = fc.array(
  fc.tuple(fc.nat(), fc.constantFrom('# mine', '#mine too', '# mine\n\n', ' # mine on')),
  {
    maxLength: 3,
  },
)

const sure = <T extends object>(value: T | Refusal): T => {
  if (isRefusal(value)) throw new Error(value.why)
  return value
}
const table = (text: string): Table => sure(readToml(text)).table

function* leavesOf(at: Table, above: Path = []): Generator<[Path, Value]> {
  for (const [key, value] of Object.entries(at)) {
    const here = [...above, key]
    if (isTable(value) && Object.keys(value).length > 0) yield* leavesOf(value, here)
    else if (!isTable(value)) yield [here, value]
  }
}
const startsOf = (path: Path): Path[] => path.map((_, i) => path.slice(0, i + 1))
const isMachine = (path: Path): boolean => startsOf(path).some(isMachineKey)

function annotate(text: string, notes: readonly (readonly [number, string])[]): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const bom = text.startsWith('\ufeff') ? '\ufeff' : ''
  const pieces = toSections(text.slice(bom.length)).flatMap(({ lead, header, body }) => [
    ...lead.map((piece) => piece.text),
    ...(header ? [header.text + header.tail] : []),
    ...body.map((piece) => (piece.kind === 'pair' ? piece.before + piece.value + piece.after : piece.text)),
  ])
  notes.forEach(([at, note], i) => {
    const place = at % (pieces.length + 1)
    const line = pieces[place]
    if (note.startsWith(' ')) {
      // Only a value or a header that ends its line, and has no comment yet, is followed by one.
      if (line && /^[^#]*["'\]}\w][ \t]*\r?\n?$/.test(line))
        pieces[place] = `${line.trimEnd()}${note} ${i}${eol}`
      return
    }
    pieces.splice(place, 0, `${note.trim()} ${i}${eol}${note.endsWith('\n') ? eol : ''}`)
  })
  return bom + pieces.map((piece) => (piece.endsWith('\n') ? piece : piece + eol)).join('')
}

type Story = {
  readonly before: string
  readonly canonical: string
  readonly local: string
  readonly last: Last
}
const story: fc.Arbitrary<Story> = fc
  .record({
    before: documentsOf(path),
    own: fc.option(documentsOf(path), { freq: 3 }),
    there: edits,
    here: edits,
    notes: marks,
  })
  .map(({ before, own, there, here, notes }) => {
    const first = sure(mergeConfig({ canonical: before, local: own, last: null }))
    const local = annotate(sure(editDocument(first.text, here)).text, notes)
    return { before, canonical: sure(editDocument(before, there)).text, local, last: first.last }
  })

/** Nothing written here is lost; nothing canonical is displaced without a word; nothing comes from nowhere. */
function judge({ before, canonical, local }: Story, merged: Merged): void {
  const [was, is, mine, now] = [before, canonical, local, merged.text].map(table) as [
    Table,
    Table,
    Table,
    Table,
  ]
  const inConflict = (path: Path) =>
    merged.conflicts.some(({ key }) => {
      const at = [...leavesOf(table(`${key} = 0`))][0]?.[0] ?? []
      return leadsTo(at, path) || leadsTo(path, at)
    })
  const isAnswer = (path: Path) => path.length === 1 && answeredKeys.includes(path[0] ?? '')
  const isDropped = (path: Path) => merged.dropped.some((key) => startsOf(path).map(printPath).includes(key))
  for (const [path, value] of leavesOf(mine)) {
    if (same(valueAt(now, path), value) || isDropped(path) || isAnswer(path)) continue
    if (same(valueAt(was, path), value) && !isMachine(path)) continue
    throw new Error(`lost ${printPath(path)}`)
  }
  for (const [path, value] of leavesOf(is)) {
    if (isMachine(path) || same(valueAt(now, path), value) || inConflict(path) || isAnswer(path)) continue
    throw new Error(`not canonical and not told: ${printPath(path)}`)
  }
  const provenance = merged.provenance()
  for (const [path, value] of leavesOf(now)) {
    const [theirs, ours] = [is, mine].map((one) => same(valueAt(one, path), value))
    if (!theirs && !ours) throw new Error(`from nowhere: ${printPath(path)}`)
    if (isMachine(path) && !ours) throw new Error(`another machine's: ${printPath(path)}`)
    const from = provenance.get(printPath(path))
    if (from === 'canonical' ? !theirs : !ours) throw new Error(`${printPath(path)} is not ${from}`)
  }
}

test('S3, S43, S45: nothing of this machine is lost, and every canonical key is canonical or in conflict', () => {
  let fallbacks = 0
  fc.assert(
    fc.property(story, (one) => {
      const merged = sure(mergeConfig(one))
      judge(one, merged)
      if (merged.fallback) throw new Error(`printed anew:\n${merged.text}`)
      fallbacks += merged.fallback ? 1 : 0
    }),
    { numRuns },
  )
  expect(fallbacks).toBe(0)
})

test('S37, S44: merging again changes nothing, also when the text is written anew', () => {
  fc.assert(
    fc.property(story, ({ canonical, local, last }) => {
      const once = sure(mergeConfig({ canonical, local, last }))
      const again = sure(mergeConfig({ canonical, local: once.text, last: once.last }))
      expect(again.conflicts.map(({ key, kind }) => [key, kind])).toEqual(
        once.conflicts.map(({ key, kind }) => [key, kind]),
      )
      expect(again).toMatchObject({ unchanged: true, kept: once.kept, last: once.last })
      // A canonical text that differs by a line end only is written anew: layout settles with the second writing.
      const rewrite = (text: string) =>
        sure(mergeConfig({ canonical, local: text, last: { ...once.last, canonical: `${canonical}\n` } }))
          .text
      const anew = rewrite(rewrite(once.text))
      expect(rewrite(anew)).toBe(anew)
    }),
    { numRuns },
  )
})

test('S44: canonical statements keep their bytes and their order, and no comment of the user is lost', () => {
  fc.assert(
    fc.property(story, (one) => {
      const merged = sure(mergeConfig(one))
      const conflicts = merged.conflicts.map(({ key }) => [...leavesOf(table(`${key} = 0`))][0]?.[0] ?? [])
      const kept = [...merged.provenance()].flatMap(([key, from]) => (from === 'canonical' ? [] : [key]))
      const untouched = statementsOf(sure(canonicalOf(one.canonical)).text).filter(
        ({ path }) =>
          !conflicts.some((at) => leadsTo(at, path) || leadsTo(path, at)) &&
          !kept.some((key) => key.startsWith(printPath(path))) &&
          !(path.length === 1 && answeredKeys.includes(path[0] ?? '')),
      )
      const now = statementsOf(merged.text).map(({ text }) => text)
      if (
        !merged.unchanged &&
        !isSubsequence(
          untouched.map(({ text }) => text),
          now,
        )
      )
        throw new Error(`lost a canonical statement:\n${merged.text}`)
      for (const [said] of one.local.matchAll(/# mine on \d/g))
        if (!merged.text.includes(said) && merged.dropped.length === 0)
          throw new Error(`lost ${said}:\n${merged.text}`)
      for (const { text } of statementsOf(one.local).filter((said) => /^# ?mine/.test(said.text)))
        if (!merged.text.includes(text) && merged.dropped.length === 0)
          throw new Error(`lost ${text}:\n${merged.text}`)
    }),
    { numRuns },
  )
})

test('S30: what is published has no machine key', () => {
  fc.assert(
    fc.property(documentsOf(path), (text) => {
      const published = sure(canonicalOf(text))
      for (const [path] of leavesOf(table(published.text))) expect(isMachine(path)).toBe(false)
      expect(sure(canonicalOf(published.text))).toEqual({ text: published.text, fallback: false, taken: [] })
    }),
    { numRuns },
  )
})

const written = fc.uniqueArray(
  fc.constantFrom<Path>(
    ['projects', '/srv/a', 'trust_level'],
    ['projects', '/srv/b', 'trust_level'],
    ['hooks', 'state', '/x:stop:0:0', 'trusted_hash'],
    ['notice', 'model_migrations', 'text'],
    ['audio', 'microphone'],
  ),
)

test('S24, S30: a machine key that Codex adds changes nothing of what is published', () => {
  fc.assert(
    fc.property(documentsOf(path), written, (text, paths) => {
      const ended = text.trimEnd() === '' ? '' : `${text.trimEnd()}\n`
      fc.pre(!isRefusal(readToml(ended)))
      const before = sure(canonicalOf(ended)).text
      const names = Object.keys(table(before))
      fc.pre(!before.endsWith('\n\n') && !paths.some(([first = '']) => names.includes(first)))
      const after = sure(
        editDocument(
          before,
          paths.map((at) => ({ path: at, value: 'x' })),
        ),
      ).text
      expect(sure(canonicalOf(after)).text).toBe(before)
    }),
    { numRuns },
  )
})

test('S39: what is settled with local stays settled, and with canonical is canonical', () => {
  fc.assert(
    fc.property(story, fc.constantFrom<Take>('canonical', 'local'), ({ canonical, local, last }, side) => {
      const once = sure(mergeConfig({ canonical, local, last }))
      const take = new Map(once.conflicts.map(({ key }) => [key, side]))
      const taken = sure(mergeConfig({ canonical, local: once.text, last: once.last, take }))
      expect(taken.conflicts).toEqual([])
      if (side === 'local') expect(taken.text).toBe(once.text)
      const later = sure(mergeConfig({ canonical, local: taken.text, last: taken.last }))
      expect(later).toMatchObject({ unchanged: true, conflicts: [] })
      if (side === 'local') return
      const other = [...later.provenance()].filter(([, from]) => from === 'conflict')
      expect(other).toEqual([])
    }),
    { numRuns },
  )
})
