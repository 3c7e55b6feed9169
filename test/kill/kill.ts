/**
 * Real kills: a master whose home is being edited, a follower that syncs, and `kill -9` for either, again and again
 * on the same two machines. After each kill everything is looked at as it lies there, then started again.
 * Always holds, or it throws: what `serve` said to be published stays, with its revision, and so does a revocation;
 * every file of the follower is whole and of one generation, with the entries of its own machine; no secret can be
 * read by others, and none is in plain text in a folder of stemma but in what a follower's home displaced; after the
 * restart both ends come to the same, and Codex would run our hooks.
 */
import { isDeepStrictEqual } from 'node:util'
import { unreachable } from '../../schemas/fault.ts'
import { followersReport } from '../../schemas/report.ts'
import { v } from '../../schemas/shape.ts'
import { type CommandRun, type Machine, makeMachine, onLoopback, type Running } from '../e2e/machine.ts'
import type { Server } from '../e2e/server.ts'
import { Random } from '../sim/random.ts'
import { contentOf } from './content.ts'
import { Hand, writeSealed } from './hand.ts'
import { lookAtHome, mustEqual } from './look.ts'
import { applyCue, await_, type Cue, epochCue, fetchCue, pause, serveCue, strike } from './moment.ts'
import { type Load, loads, loadsUnderWay, type Place, places, readLog, writesUnderWay } from './scene.ts'
import { composedNames, type Local, nothingLocal, sealedNames, sealedOf } from './sealed.ts'
import { exposed } from './secrecy.ts'

export type Target = 'serve' | 'sync' | 'join' | 'both' | 'revoke' | 'hook'
const victims = ['serve', 'sync', 'join', 'revoke', 'hook'] as const
/** `revoke` is a `serve` that was killed while it revoked a machine. */
type Victim = (typeof victims)[number]
export type Tally = {
  rounds: number
  /** Kills by whom they hit, and how many of those were inside of a write or a request. */
  readonly kills: Record<Victim, { all: number; inside: number }>
  readonly at: Record<Place | 'elsewhere', number>
  /** What was on its way into a home when an apply was killed. */
  readonly loads: Record<Load, number>
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

const zeros = <K extends string>(keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>

/** Below what a secret file may have. */
const secretBytes = 200_000

/** What both sides say of themselves is compared in every so many rounds. */
const statusEvery = 4

export class Battle {
  readonly tally: Tally = {
    rounds: 0,
    kills: Object.fromEntries(victims.map((who) => [who, { all: 0, inside: 0 }])) as Tally['kills'],
    at: { ...zeros(places), elsewhere: 0 },
    loads: zeros(loads),
    late: 0,
    entries: 0,
  }
  readonly #random: Random
  readonly #master = makeMachine('kill-master')
  readonly #follower = makeMachine('kill-follower')
  readonly #hand = new Hand(this.#follower)
  /** A machine that has joined, to be revoked. */
  #extra: Machine | null = null
  readonly #clean = new Set<string>()
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
    for (const name of [...names.slice(0, 20), ...sealedNames]) this.#write(name)
    done(await this.#master.stemma('master', 'init'))
    await this.#serve()
    this.#link = String((await this.#master.stemma('master', 'link', '--json')).json()['link'])
    done(await this.#follower.stemma('follower', 'join', this.#link, '--yes'))
    await this.#converge()
    this.#hand.addHook()
    this.#hand.answer(this.#random)
    await this.#converge()
  }

  async end(): Promise<void> {
    await this.#server?.kill()
    await Promise.all([this.#master.remove(), this.#follower.remove(), this.#extra?.remove()])
  }

  /** What the server that runs now has said, for whoever has to find out why a round failed. */
  get heard(): string {
    const { said = [], log = '' } = this.#server ?? {}
    return [...said.map((one) => JSON.stringify(one)), log].join('\n')
  }

  async round(target: Target): Promise<void> {
    this.tally.rounds++
    this.#settled = false
    if (this.#random.chance(0.5)) this.#hand.answer(this.#random)
    await this.#kill(target)
    // Also while an apply that was cut off waits to be finished.
    if (this.#random.chance(0.5)) this.#hand.answer(this.#random)
    await this.#converge()
  }

  #kill(target: Target): Promise<void> {
    switch (target) {
      case 'serve':
        return this.#killServe(false)
      case 'both':
        return this.#killServe(true)
      case 'sync':
        return this.#killSync()
      case 'join':
        return this.#killJoin()
      case 'revoke':
        return this.#killRevoke()
      case 'hook':
        return this.#killHook()
      default:
        return unreachable(target)
    }
  }

  async #killServe(both: boolean): Promise<void> {
    const server = await this.#serve()
    const editing = this.#edit()
    const syncing = both || this.#random.chance(0.6) ? this.#follower.launch('sync') : null
    await await_(serveCue(this.#random, this.#master.stemmaHome, this.#port), () => true)
    if (this.#random.chance(0.5)) await pause(this.#random.fraction() * 8)
    const found = strike({ ...this.#master, pid: server.pid }, this.#port)
    if (both && syncing) this.#strike('sync', this.#follower, syncing.pid)
    await server.ended()
    this.#server = null
    this.#hear(server)
    if (newest(readLog(this.#master.stemmaHome).heads) > newest(this.#published)) found?.add('untold')
    this.#count('serve', found)
    await editing.stop()
    this.#lookAtMaster()
    const { code = 0, stderr = '' } = (await syncing?.done) ?? {}
    // Done before the kill, cut off by it, or killed itself.
    if (![0, 5, -1].includes(code))
      throw new Error(`a sync whose master was killed ended with ${code}: ${stderr}`)
    this.#lookAtFollower(this.#follower, this.#hand.local)
  }

  async #killSync(): Promise<void> {
    await this.#serve()
    for (let n = 1 + this.#random.below(12); n > 0; n--) this.#change()
    done(await this.#master.stemma('master', 'rebuild'))
    this.#settled = true
    const editing = this.#random.chance(0.5) ? this.#edit() : null
    const syncing = this.#follower.launch('sync')
    await this.#killWhile(this.#follower, syncing, 'sync', this.#fetchCue(this.#follower))
    await editing?.stop()
    this.#lookAtFollower(this.#follower, this.#hand.local)
  }

  async #killJoin(): Promise<void> {
    await this.#serve()
    this.#settled = true
    const late = makeMachine('kill-joiner')
    try {
      const joining = late.launch('follower', 'join', this.#link, '--yes')
      await this.#killWhile(late, joining, 'join', this.#fetchCue(late))
      this.#lookAtFollower(late, nothingLocal())
      await this.#join(late)
    } catch (error) {
      await late.remove()
      throw error
    }
  }

  /** Brings a machine in; the one that came before it leaves. */
  async #join(late: Machine): Promise<void> {
    done(await late.stemma('follower', 'join', this.#link, '--yes'))
    mustEqual(this.#master, late, nothingLocal())
    await this.#extra?.remove()
    this.#extra = late
  }

  /** A master that is killed while it begins an epoch: what it said stands, and the machine gets nothing more. */
  async #killRevoke(): Promise<void> {
    const server = await this.#serve()
    if (!this.#settled) done(await this.#master.stemma('master', 'rebuild'))
    this.#settled = true
    if (!this.#extra) await this.#join(makeMachine('kill-joiner'))
    const extra = this.#extra
    if (!extra) throw new Error('somebody has joined')
    const id = String((await extra.stemma('status', '--json')).json()['id'])
    const editing = this.#random.chance(0.5) ? this.#edit() : null
    const revoking = this.#master.launch('master', 'revoke', id, '--yes', '--json')
    await Promise.race([await_(epochCue(this.#random, this.#master.stemmaHome), () => true), revoking.done])
    // It takes a few milliseconds, all in all.
    if (this.#random.chance(0.3)) await pause(this.#random.fraction() * 2)
    const found = strike({ ...this.#master, pid: server.pid }, this.#port)
    const { code } = await revoking.done
    if (code !== 0) found?.add('request')
    await server.ended()
    this.#server = null
    this.#hear(server)
    this.#count('revoke', found)
    await editing?.stop()
    this.#lookAtMaster()
    await this.#serve()
    const told = (await this.#master.stemma('master', 'followers', '--json')).json()
    const row = v.parse(followersReport, told).followers.find((one) => one.id === id)
    const isRevoked = row?.state === 'revoked'
    if (code === 0 && !isRevoked) throw new Error('a revocation that was said is gone')
    if (!isRevoked) done(await this.#master.stemma('master', 'revoke', id, '--yes'))
    done(await this.#master.stemma('master', 'open'))
    const before = extra.read('.env')
    const { code: refused } = await extra.stemma('sync')
    if (refused !== 4 || extra.read('.env') !== before)
      throw new Error(`the sync of a revoked machine ended with ${refused}`)
    await extra.remove()
    this.#extra = null
  }

  /** Our hooks go or come, with their approvals. */
  async #killHook(): Promise<void> {
    const verb = this.#random.chance(0.5) ? 'install' : 'uninstall'
    if (verb === 'install') done(await this.#follower.stemma('hook', 'uninstall'))
    const { stemmaHome, codexHome } = this.#follower
    const changing = this.#follower.launch('hook', verb)
    await this.#killWhile(this.#follower, changing, 'hook', applyCue(this.#random, stemmaHome, codexHome))
    this.#lookAtFollower(this.#follower, this.#hand.local)
    done(await this.#follower.stemma('hook', 'install'))
  }

  #fetchCue({ stemmaHome, codexHome }: Machine): Cue {
    return fetchCue(this.#random, stemmaHome, codexHome, this.#port)
  }

  async #killWhile(machine: Machine, victim: Running, who: Victim, cue: Cue): Promise<void> {
    let alive = true
    const done_ = victim.done.then((run) => {
      alive = false
      return run
    })
    await Promise.race([await_(cue, () => alive), done_])
    if (this.#random.chance(0.5)) await pause(this.#random.fraction() * 8)
    if (alive) this.#strike(who, machine, victim.pid)
    else this.#count(who, null)
    const { code, stderr } = await done_
    if (code !== -1 && code !== 0)
      throw new Error(`a ${who} that was not killed ended with ${code}: ${stderr}`)
  }

  #strike(who: Victim, machine: Machine, pid: number): void {
    this.#count(who, strike({ ...machine, pid }, this.#port))
    for (const load of loadsUnderWay(machine.stemmaHome)) this.tally.loads[load]++
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
    this.#lookAtMaster()
    this.#lookAtFollower(this.#follower, this.#hand.local)
    mustEqual(this.#master, this.#follower, this.#hand.local)
    for (const { stemmaHome, codexHome } of [this.#master, this.#follower]) {
      const left = [...writesUnderWay(stemmaHome, codexHome)]
      if (left.length > 0) throw new Error(`a good run leaves behind in ${stemmaHome}: ${left}`)
    }
    if (this.tally.rounds % statusEvery !== 0) return
    const [here, there] = await Promise.all([
      this.#follower.stemma('status', '--json'),
      this.#master.stemma('status', '--json'),
    ])
    const { seq, revision, files, secrets } = there.json()
    const said = here.json()
    if (said['seq'] !== seq || said['revision'] !== revision || said['pending'] !== false)
      throw new Error(`not level: ${here.stdout}${there.stdout}`)
    const sealed = [...this.#present].filter((name) => sealedNames.includes(name)).sort()
    if (files !== this.#present.size - sealed.length || said['files'] !== this.#present.size)
      throw new Error(`${this.#present.size} files: ${here.stdout}${there.stdout}`)
    if (!isDeepStrictEqual([...[secrets].flat()].sort(), sealed)) throw new Error(`secrets: ${there.stdout}`)
    if (JSON.stringify([said['conflicts'], said['left']]) !== '[[],[]]')
      throw new Error(`conflicts: ${here.stdout}`)
  }

  #lookAtFollower(machine: Machine, local: Local): void {
    lookAtHome(machine, local, this.#written)
    this.#lookAtSecrecy(machine)
  }

  #lookAtMaster(): void {
    this.#lookAtLog()
    this.#lookAtSecrecy(this.#master)
  }

  #lookAtSecrecy(machine: Machine): void {
    const [first, ...more] = exposed(machine, this.#clean)
    if (first !== undefined) throw new Error(`${first} (and ${more.length} more)`)
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

  #count(who: Victim, found: ReadonlySet<Place> | null): void {
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
    const from = random.chance(0.4) ? sealedNames : names
    const name = from[random.below(from.length)] ?? 'AGENTS.md'
    if (this.#present.has(name) && !composedNames.some((one) => one === name) && random.chance(0.15)) {
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
    if (sealedNames.includes(name))
      writeSealed(this.#master, name, sealedOf(name, generation, Math.min(bytes, secretBytes)))
    else this.#master.write(name, contentOf(name, generation, bytes))
  }
}

const newest = (bySeq: ReadonlyMap<number, string>): number => Math.max(0, ...bySeq.keys())

function done(run: CommandRun): void {
  if (run.code !== 0) throw new Error(`ended with ${run.code}: ${run.stdout}${run.stderr}`)
}
