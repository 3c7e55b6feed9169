/**
 * Real kills: a master whose home is being edited, a follower that syncs, and `kill -9` for either, again and again
 * on the same two machines. After each kill everything is looked at as it lies there, then started again.
 * Always holds, or it throws: what `serve` said to be published stays, with its revision; every file of the
 * follower is whole and of one generation; after the restart both ends come to the same.
 */

import { type CommandRun, type Machine, makeMachine, onLoopback, type Running } from '../e2e/machine.ts'
import type { Server } from '../e2e/server.ts'
import { Random } from '../sim/random.ts'
import { contentOf, filesOf, generationOf } from './content.ts'
import { await_, fetchCue, pause, serveCue, strike } from './moment.ts'
import { type Place, places, readLog } from './scene.ts'

export type Target = 'serve' | 'sync' | 'join' | 'both'
export type Tally = {
  rounds: number
  /** Kills by whom they hit, and how many of those were inside of a write or a request. */
  readonly kills: Record<'serve' | 'sync' | 'join', { all: number; inside: number }>
  readonly at: Record<Place | 'elsewhere', number>
  /** The process had ended before the kill came. */
  late: number
  /** Entries that were said to be published, and looked for after every kill. */
  entries: number
}

const names = [
  'AGENTS.md',
  ...Array.from({ length: 12 }, (_, n) => `rules/rule-${n}.md`),
  ...Array.from({ length: 12 }, (_, n) => `prompts/prompt-${n}.md`),
  ...Array.from({ length: 24 }, (_, n) => `skills/skill-${n % 8}/part-${n}.md`),
]

/** What both sides say of themselves is compared in every so many rounds. */
const statusEvery = 4

export class Battle {
  readonly tally: Tally = {
    rounds: 0,
    kills: { serve: { all: 0, inside: 0 }, sync: { all: 0, inside: 0 }, join: { all: 0, inside: 0 } },
    at: { ...Object.fromEntries(places.map((place) => [place, 0])), elsewhere: 0 } as Tally['at'],
    late: 0,
    entries: 0,
  }
  readonly #random: Random
  readonly #master = makeMachine('kill-master')
  readonly #follower = makeMachine('kill-follower')
  /** What was ever written, by path. */
  readonly #written = new Map<string, Set<number>>()
  readonly #present = new Set<string>()
  readonly #published = new Map<number, string>()
  #generation = 0
  /** Nothing was edited since the last look of the server. */
  #settled = false
  #server: Server | null = null
  #port = 0
  #link = ''

  constructor(seed: number) {
    this.#random = new Random(seed)
  }

  async begin(): Promise<void> {
    for (const name of names.slice(0, 20)) this.#write(name)
    done(await this.#master.stemma('master', 'init'))
    await this.#serve()
    this.#link = String((await this.#master.stemma('master', 'link', '--json')).json()['link'])
    done(await this.#follower.stemma('follower', 'join', this.#link, '--yes'))
    await this.#converge()
  }

  async end(): Promise<void> {
    await this.#server?.kill()
    await Promise.all([this.#master.remove(), this.#follower.remove()])
  }

  async round(target: Target): Promise<void> {
    this.tally.rounds++
    this.#settled = false
    if (target === 'serve') await this.#killServe(false)
    else if (target === 'both') await this.#killServe(true)
    else if (target === 'sync') await this.#killSync()
    else await this.#killJoin()
    await this.#converge()
  }

  async #killServe(both: boolean): Promise<void> {
    const server = await this.#serve()
    const editing = this.#edit()
    const syncing = both || this.#random.chance(0.6) ? this.#follower.launch('sync') : null
    await await_(serveCue(this.#random, this.#master.stemmaHome, this.#port), () => true)
    if (this.#random.chance(0.5)) await pause(this.#random.fraction() * 8)
    const found = strike({ ...this.#master, pid: server.pid }, this.#port)
    if (both && syncing) this.#count('sync', strike({ ...this.#follower, pid: syncing.pid }, this.#port))
    await server.ended()
    this.#server = null
    this.#hear(server)
    if (newest(readLog(this.#master.stemmaHome).heads) > newest(this.#published)) found?.add('untold')
    this.#count('serve', found)
    await editing.stop()
    this.#lookAtLog()
    const code = (await syncing?.done)?.code ?? 0
    // Done before the kill, cut off by it, or killed itself.
    if (![0, 5, -1].includes(code)) throw new Error(`a sync whose master was killed ended with ${code}`)
    this.#lookAtHome(this.#follower)
  }

  async #killSync(): Promise<void> {
    await this.#serve()
    for (let n = 1 + this.#random.below(12); n > 0; n--) this.#change()
    done(await this.#master.stemma('master', 'rebuild'))
    this.#settled = true
    const editing = this.#random.chance(0.5) ? this.#edit() : null
    const syncing = this.#follower.launch('sync')
    await this.#killWhile(this.#follower, syncing, 'sync')
    await editing?.stop()
    this.#lookAtHome(this.#follower)
  }

  async #killJoin(): Promise<void> {
    await this.#serve()
    this.#settled = true
    const late = makeMachine('kill-joiner')
    try {
      await this.#killWhile(late, late.launch('follower', 'join', this.#link, '--yes'), 'join')
      this.#lookAtHome(late)
      done(await late.stemma('follower', 'join', this.#link, '--yes'))
      this.#mustEqual(late)
    } finally {
      await late.remove()
    }
  }

  async #killWhile(machine: Machine, running: Running, who: 'sync' | 'join'): Promise<void> {
    let alive = true
    const done_ = running.done.then((run) => {
      alive = false
      return run
    })
    const { stemmaHome, codexHome } = machine
    await Promise.race([
      await_(fetchCue(this.#random, stemmaHome, codexHome, this.#port), () => alive),
      done_,
    ])
    if (this.#random.chance(0.5)) await pause(this.#random.fraction() * 8)
    this.#count(who, alive ? strike({ ...machine, pid: running.pid }, this.#port) : null)
    const { code, stderr } = await done_
    if (code !== -1 && code !== 0)
      throw new Error(`a ${who} that was not killed ended with ${code}: ${stderr}`)
  }

  async #serve(): Promise<Server> {
    if (this.#server) return this.#server
    const port = String(this.#port)
    const server = await this.#master.start('master', 'serve', '--json', '--port', port, ...onLoopback)
    this.#port = server.port
    this.#server = server
    // The first look was published before it said that it listens.
    this.#settled = true
    return server
  }

  /** Everything is published, fetched, applied; what each side says of itself is what lies there. */
  async #converge(): Promise<void> {
    const server = await this.#serve()
    if (!this.#settled) done(await this.#master.stemma('master', 'rebuild'))
    done(await this.#follower.stemma('sync'))
    this.#hear(server)
    this.#lookAtLog()
    this.#mustEqual(this.#follower)
    if (this.tally.rounds % statusEvery !== 0) return
    const [here, there] = await Promise.all([
      this.#follower.stemma('status', '--json'),
      this.#master.stemma('status', '--json'),
    ])
    const { seq, revision, files } = there.json()
    const said = here.json()
    if (said['seq'] !== seq || said['revision'] !== revision || said['pending'] !== false)
      throw new Error(`not level: ${here.stdout}${there.stdout}`)
    if (files !== this.#present.size || said['files'] !== files)
      throw new Error(`${files} files: ${there.stdout}`)
    if (JSON.stringify(said['conflicts']) !== '[]') throw new Error(`conflicts: ${here.stdout}`)
  }

  #mustEqual(machine: Machine): void {
    const [theirs, ours] = [filesOf(this.#master.codexHome), filesOf(machine.codexHome)]
    for (const path of new Set([...theirs.keys(), ...ours.keys()]))
      if (theirs.get(path) !== ours.get(path)) throw new Error(`${path} differs on the two machines`)
  }

  /** Old or new, and whole: whatever was under way. */
  #lookAtHome(machine: Machine): void {
    for (const [path, content] of filesOf(machine.codexHome)) {
      const generation = generationOf(path, content)
      if (!this.#written.get(path)?.has(generation)) throw new Error(`${path} holds what was never written`)
    }
  }

  #hear(server: Server): void {
    for (const { event, seq, revision } of server.said)
      if (event === 'published' && typeof seq === 'number' && typeof revision === 'string')
        this.#published.set(seq, revision)
    this.tally.entries = this.#published.size
  }

  #lookAtLog(): void {
    const { heads } = readLog(this.#master.stemmaHome)
    for (const [seq, revision] of this.#published)
      if (heads.get(seq) !== revision)
        throw new Error(`entry ${seq}, which was published, is ${heads.get(seq)}`)
  }

  #count(who: keyof Tally['kills'], found: ReadonlySet<Place> | null): void {
    if (found === null) {
      this.tally.late++
      return
    }
    this.tally.kills[who].all++
    if (found.size > 0) this.tally.kills[who].inside++
    else this.tally.at.elsewhere++
    for (const place of found) this.tally.at[place]++
  }

  /** Edits without a pause worth the name, until it is stopped. */
  #edit(): { stop: () => Promise<void> } {
    let stopped = false
    const random = this.#random.fork()
    const editing = (async () => {
      while (!stopped) {
        for (let n = 1 + random.below(5); n > 0; n--) this.#change(random)
        await pause(random.below(30))
      }
    })()
    return {
      stop: () => {
        stopped = true
        return editing
      },
    }
  }

  #change(random = this.#random): void {
    this.#settled = false
    const name = names[random.below(names.length)] ?? 'AGENTS.md'
    if (this.#present.has(name) && random.chance(0.15)) {
      this.#master.erase(name)
      this.#present.delete(name)
    } else this.#write(name, random)
  }

  #write(name: string, random = this.#random): void {
    const generation = ++this.#generation
    const large = random.fraction()
    const bytes =
      large < 0.7 ? random.below(4_000) : large < 0.95 ? random.below(100_000) : random.below(3_000_000)
    const written = this.#written.get(name) ?? new Set()
    this.#written.set(name, written.add(generation))
    this.#present.add(name)
    this.#master.write(name, contentOf(name, generation, bytes))
  }
}

const newest = (bySeq: ReadonlyMap<number, string>): number => Math.max(0, ...bySeq.keys())

function done(run: CommandRun): void {
  if (run.code !== 0) throw new Error(`ended with ${run.code}: ${run.stdout}${run.stderr}`)
}
