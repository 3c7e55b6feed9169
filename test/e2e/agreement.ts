/**
 * Whether one sync did right by a config.toml: judged from what Codex itself read of the three files, and from what
 * stemma reported, without the code that decides.
 */
import type { Merged } from '../../engine/merge/merge.ts'
import { leadsTo } from '../../engine/toml/inline.ts'
import { readToml } from '../../engine/toml/toml.ts'
import {
  clone,
  isTable,
  type Path,
  printPath,
  printValue,
  same,
  setAt,
  type Table,
  unsetAt,
  type Value,
  valueAt,
} from '../../engine/toml/value.ts'
import { answeredKeys, isMachineKey, migrationsKey } from '../../schemas/config-key.ts'
import { isRefusal, type Refusal } from '../../schemas/fault.ts'
import type { AppServer } from './app-server.ts'

export type Sync = {
  /** What the master has, and what it had at the sync before; null for the first. */
  readonly canonical: Table
  readonly base: Table | null
  readonly before: Table
  readonly after: Table
  /** The keys that were reported, and those that the user settled with `local` against the value that the master has. */
  readonly conflicts: readonly Path[]
  readonly settled: readonly Path[]
  /** What was here before the master had the name, and was reported as that the last time: it was never the master's. */
  readonly apart: readonly Path[]
}

/** Every value that is no table, and its path. */
export function* leavesOf(at: Table, above: Path = []): Generator<[Path, Value]> {
  for (const [key, value] of Object.entries(at)) {
    const path = [...above, key]
    if (isTable(value)) yield* leavesOf(value, path)
    else yield [path, value]
  }
}

const isMachine = (path: Path): boolean => path.some((_, i) => isMachineKey(path.slice(0, i + 1)))

/** As if the user had put what is canonical at a path. */
export function withTaken({ before, canonical }: Sync, at: Path): Table {
  const taken = clone(before)
  for (const [path] of leavesOf(before)) if (leadsTo(at, path) && !isMachine(path)) unsetAt(taken, path)
  for (const [path, value] of leavesOf(canonical))
    if (leadsTo(at, path) && !isMachine(path)) setAt(taken, path, value)
  return taken
}

/** Whether the merge says of every key what Codex read: where it comes from, and which are in dispute. */
export function* contradictions(
  { canonical, before, after }: Sync,
  merged: Merged,
  reported: readonly string[],
  { table, origins }: Awaited<ReturnType<AppServer['readUser']>>,
): Generator<string> {
  const disputed = merged.conflicts.map(({ key }) => key)
  if (!same([...disputed].sort(), [...reported].sort())) yield `conflicts: ${disputed} and ${reported}`
  if (merged.fallback) yield 'printed anew, without comments'
  const provenance = merged.provenance()
  const here = new Map([...leavesOf(after)].map(([path, value]) => [printPath(path), { path, value }]))
  for (const [key, from] of provenance) {
    const leaf = here.get(key)
    if (leaf === undefined) {
      // A table that was emptied may be there or not.
      const [now, ...were] = [table, canonical, before].map((one) => valueAt(one, pathOf(key)))
      if (now === undefined && !were.some(isTable)) yield `Codex does not see ${key}`
      continue
    }
    const { path, value } = leaf
    if (!same(valueAt(from === 'canonical' ? canonical : before, path), value))
      yield `${key} = ${printValue(value)} is not ${from}`
    // Codex names the elements of an array one by one.
    if (!Array.isArray(value) && origins[path.join('.')]?.name.type !== 'user')
      yield `to Codex ${key} is not from its user's file`
  }
  for (const key of here.keys()) if (!provenance.has(key)) yield `the merge does not know of ${key}`
}

/** Whether stemma and Codex read the same in a text. */
export function* misreadings(text: string, codex: Table): Generator<string> {
  const { table } = sure(readToml(text))
  for (const [path, value] of leavesOf(table))
    if (!isReadAs(value, valueAt(codex, path))) yield `Codex reads ${printPath(path)} otherwise`
  for (const [path] of leavesOf(codex))
    if (valueAt(table, path) === undefined) yield `Codex reads ${printPath(path)}, and stemma does not`
}

/**
 * Codex puts what it knows into types of its own: seconds are floats, and a date where it wants a string is the text
 * that it is written as.
 */
const isReadAs = (value: Value, codex: Value | undefined): boolean =>
  same(value, codex) ||
  (typeof value === 'bigint' && typeof codex === 'number' && Number(value) === codex) ||
  (value instanceof Date && typeof codex === 'string' && value.getTime() === Date.parse(codex))

/** One sentence for each thing that is not as S3 and S43 promise. */
export function* wrongs({
  canonical,
  base,
  before,
  after,
  conflicts,
  settled,
  apart,
}: Sync): Generator<string> {
  const was = base ?? {}
  const told = (path: Path) => meets(conflicts, path) || meets(settled, path)
  const answer = answerOf(base ?? canonical, before, canonical)

  for (const [path, value] of leavesOf(before)) {
    if (same(valueAt(after, path), value)) continue
    const [table, name = ''] = path
    const isGone = table === 'mcp_servers' && valueAt(after, ['mcp_servers', name]) === undefined
    if (isMachine(path) ? isGone : same(valueAt(was, path), value) || isAnswered(path)) continue
    yield `lost: ${printPath(path)} = ${printValue(value)}`
  }
  for (const [path, value] of leavesOf(canonical)) {
    if (isMachine(path) || same(valueAt(after, path), value)) continue
    if (answer === 'holds' && isAnswered(path)) continue
    if (!told(path)) yield `neither canonical nor told: ${printPath(path)}`
    else if (!same(valueAt(after, path), valueAt(before, path)))
      yield `in dispute and not kept: ${printPath(path)}`
  }
  for (const [path, value] of leavesOf(was)) {
    if (isMachine(path) || (answer && isAnswered(path))) continue
    const [now, mine] = [valueAt(canonical, path), valueAt(before, path)]
    if (same(mine, value) || same(mine, now) || told(path) || meets(apart, path)) continue
    yield `changed here and not told: ${printPath(path)}`
  }
  for (const [path, value] of leavesOf(after)) {
    const [theirs, mine] = [canonical, before].map((one) => same(valueAt(one, path), value))
    if (isMachine(path) ? !mine : !mine && !theirs) yield `from elsewhere: ${printPath(path)}`
  }
  if (answer === 'holds' && !same(after['model'], before['model'])) yield 'the accepted model is gone'
  if (answer === 'expired' && !same(after['model'], canonical['model'])) yield 'the accepted model stayed'
  for (const path of conflicts) {
    const [mine, now, theirs] = [before, after, canonical].map((one) => own(path, valueAt(one, path)))
    if (!same(mine, now)) yield `reported, and not kept: ${printPath(path)}`
    if (same(mine, theirs)) yield `reported, and no difference: ${printPath(path)}`
  }
}

const meets = (paths: readonly Path[], path: Path): boolean =>
  paths.some((one) => leadsTo(one, path) || leadsTo(path, one))
const isAnswered = (path: Path): boolean => path.length === 1 && answeredKeys.includes(path[0] ?? '')

/** Without what belongs to the machine. */
export function own(path: Path, value: Value | undefined): Value | undefined {
  if (!isTable(value)) return value
  const rest: Table = {}
  for (const [key, one] of Object.entries(value)) {
    const kept = isMachineKey([...path, key]) ? undefined : own([...path, key], one)
    if (kept !== undefined) rest[key] = kept
  }
  return rest
}

/** Whether the model here is what Codex offered for the master's, in one step or in several. */
function answerOf(was: Table, before: Table, canonical: Table): 'holds' | 'expired' | null {
  const [{ model }, mine] = [was, before['model']]
  if (mine === undefined || same(model, mine)) return null
  let at: Value | undefined = model
  for (let steps = 0; typeof at === 'string' && steps < 100; steps++) {
    at = valueAt(before, [...migrationsKey, at])
    if (same(at, mine)) return same(model, canonical['model']) ? 'holds' : 'expired'
  }
  return null
}

export function pathOf(key: string): Path {
  const at: string[] = []
  for (let { table } = sure(readToml(`${key} = 0`)); ; ) {
    const [[name, value] = ['', 0n]] = Object.entries(table)
    at.push(name)
    if (!isTable(value)) return at
    table = value
  }
}

export const sure = <T extends object>(value: T | Refusal): T => {
  if (isRefusal(value)) throw new Error(value.why)
  return value
}
