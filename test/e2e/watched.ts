/**
 * A follower whose config.toml is read by its own Codex before and after each sync.
 * Always holds: each sync is judged by what Codex read, and compared with what the merge itself says on the same texts.
 */
import { expect } from 'vitest'
import { canonicalOf } from '../../engine/merge/canonical.ts'
import { type Last, mergeConfig } from '../../engine/merge/merge.ts'
import type { Take } from '../../engine/merge/weigh.ts'
import {
  isTable,
  type Path,
  printValue,
  same,
  type Table,
  type Value,
  valueAt,
} from '../../engine/toml/value.ts'
import { v } from '../../schemas/shape.ts'
import type { Home } from './agreed-homes.ts'
import {
  contradictions,
  leavesOf,
  misreadings,
  own,
  pathOf,
  type Sync,
  sure,
  withTaken,
  wrongs,
} from './agreement.ts'
import { type AppServer, startAppServer } from './app-server.ts'
import { type CommandRun, type Machine, makeMachine } from './machine.ts'

const file = 'config.toml'
const told = v.object({
  conflicts: v.array(v.object({ path: v.string(), key: v.nullable(v.string()), kind: v.string() })),
  changed: v.array(v.object({ path: v.string() })),
  left: v.array(v.unknown()),
  faults: v.array(v.unknown()),
  staged: v.array(v.unknown()),
})

/** What a master's config.toml says, and what its Codex reads there. */
export type Side = { readonly text: string; readonly table: Table }

export async function readSide(machine: Machine, codex: AppServer): Promise<Side> {
  return { text: machine.read(file) ?? '', table: (await codex.readUser()).table }
}

export class Watched {
  readonly home: Home
  readonly machine: Machine
  readonly codex: AppServer
  /** The keys that were in dispute after the last sync. */
  conflicts: readonly Path[] = []
  /** Those that were in dispute because they were here before. */
  #apart: readonly Path[] = []
  /** What the master had at each key that the user settled with `local`. */
  readonly #settled = new Map<string, Value | undefined>()
  #last: Last | null = null
  /** What the master had when this home was last synced. */
  #base: Side | null = null

  private constructor(home: Home, machine: Machine, codex: AppServer) {
    this.home = home
    this.machine = machine
    this.codex = codex
  }

  static async start(home: Home, env: Readonly<Record<string, string>>): Promise<Watched> {
    const machine = makeMachine('agree', [], env)
    machine.write(file, home.config)
    if (home.profile !== undefined) machine.write('lab.config.toml', home.profile)
    return new Watched(home, machine, await startAppServer(machine.codexHome))
  }

  join(link: string, master: Side): Promise<void> {
    const words = ['follower', 'join', link, '--yes', ...(this.home.hook ? [] : ['--no-hook'])]
    return this.#run(master, words, null)
  }
  sync(master: Side): Promise<void> {
    return this.#run(master, ['sync'], null)
  }
  resolve(master: Side, key: string, take: Take): Promise<void> {
    return this.#run(master, ['resolve', `${file}#${key}`, '--take', take], [key, take])
  }

  /** A sync that has nothing to do. */
  async still(): Promise<void> {
    const before = this.machine.read(file)
    const { changed } = this.#told(await this.machine.stemma('sync', '--json'))
    expect([changed, this.machine.read(file)], this.home.name).toEqual([[], before])
  }

  async remove(): Promise<void> {
    await this.codex.close()
    await this.machine.remove()
  }

  /** The keys that are settled: a choice holds until the master's value changes. */
  #settledBy(canonical: Table, take: [string, Take] | null): Path[] {
    const theirsAt = (key: string) => own(pathOf(key), valueAt(canonical, pathOf(key)))
    for (const [key, value] of this.#settled) if (!same(value, theirsAt(key))) this.#settled.delete(key)
    if (take?.[1] === 'local') this.#settled.set(take[0], theirsAt(take[0]))
    return [...this.#settled.keys()].map(pathOf)
  }

  #told(run: CommandRun): v.InferOutput<typeof told> {
    expect([0, 3], `${this.home.name}: ${run.stderr}${run.stdout}`).toContain(run.code)
    const said = v.parse(told, JSON.parse(run.stdout))
    const elsewhere = said.conflicts.filter(({ path }) => path !== file)
    expect([said.left, said.faults, said.staged, elsewhere], this.home.name).toEqual([[], [], [], []])
    return said
  }

  async #run(master: Side, words: readonly string[], take: [string, Take] | null): Promise<void> {
    const before = await readSide(this.machine, this.codex)
    const said = this.#told(await this.machine.stemma(...words, '--json'))
    const after = await readSide(this.machine, this.codex)
    const merged = sure(
      mergeConfig({
        canonical: sure(canonicalOf(master.text)).text,
        local: before.text,
        last: this.#last,
        ...(take && { take: new Map([take]) }),
      }),
    )
    const reported = said.conflicts.flatMap(({ key, kind }) => (key === null ? [] : [{ key, kind }]))
    const keys = reported.map(({ key }) => key)
    this.conflicts = keys.map(pathOf)
    const sync: Sync = {
      canonical: master.table,
      base: this.#base?.table ?? null,
      before: this.#withoutHook(before.table),
      after: this.#withoutHook(after.table),
      conflicts: this.conflicts,
      settled: this.#settledBy(master.table, take),
      apart: this.#apart,
    }
    this.#apart = reported.flatMap(({ key, kind }) => (kind === 'exists' ? [pathOf(key)] : []))
    const found = [
      ...wrongs(take?.[1] === 'canonical' ? { ...sync, before: withTaken(sync, pathOf(take[0])) } : sync),
      ...contradictions(sync, merged, keys, await this.codex.readUser()),
      ...misreadings(after.text, after.table),
      ...[...(take === null ? this.home.mine : []), ...commentsOf(before)]
        .filter((bytes) => has(before.text, bytes) && !has(after.text, bytes))
        .map((bytes) => `lost: ${bytes}`),
    ]
    if (!this.home.hook && merged.text !== after.text) found.push('another text than that of the merge')
    expect(found, `${this.home.name}: ${words.join(' ')}\n${before.text}\n=====>\n${after.text}`).toEqual([])
    this.#last = merged.last
    this.#base = master
  }

  /** The approval of our own hook is written after the merge. */
  #withoutHook(table: Table): Table {
    if (!this.home.hook) return table
    const state = valueAt(table, ['hooks', 'state'])
    if (!isTable(state)) return table
    const others = Object.entries(state).filter(([key]) => !key.startsWith(this.machine.codexHome))
    const hooks = isTable(table['hooks']) ? table['hooks'] : {}
    return { ...table, hooks: { ...hooks, state: Object.fromEntries(others) } }
  }
}

/** A statement moves in the line ends of the canonical text. */
const has = (text: string, bytes: string): boolean => inLines(text).includes(inLines(bytes))
const inLines = (text: string): string => text.replaceAll('\r\n', '\n')
/** The comments that the user of a follower writes; what stands in a string is none. */
const commentsOf = ({ text, table }: Side): string[] =>
  (text.match(/# ?mine[^\r\n]*/gi) ?? []).filter(
    (comment) => ![...leavesOf(table)].some(([, value]) => printValue(value).includes(comment)),
  )
