/**
 * Keeps a follower's home: composes what it should hold, applies it, and remembers what was composed.
 * Always holds: records fit the files that lie there, whenever an apply is cut off (records.ts); a secret is in memory
 * for as long as one call; a home whose log is not here is not touched.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import { type HomePath, isHomePath } from '../../schemas/path.ts'
import type { Platform } from '../../schemas/shape.ts'
import { Applier, type ApplyResult, type Hold, type Scope } from '../apply/applier.ts'
import { withhold } from '../apply/hold.ts'
import type { Plan, Step, Takes } from '../apply/plan.ts'
import type { Wish, Wishes } from '../apply/wish.ts'
import { observeSessions } from '../codex/observe.ts'
import { findSessions } from '../codex/session.ts'
import { readFile } from '../disk/save.ts'
import { makeDirs } from '../disk/tree.ts'
import type { OnProgress } from '../env/progress.ts'
import type { Follower, FollowerPlace } from '../follower.ts'
import type { Last } from '../merge/merge.ts'
import type { Take } from '../merge/weigh.ts'
import { openSecrets } from '../secrets/reader.ts'
import { type Composed, compose, type InnerConflict, type InnerTakes, type Left } from './compose.ts'
import { authPath, compareLogins, isNoticed, isOverdue } from './hold.ts'
import type { OwnHooks } from './hooks.ts'
import { configPath, hooksPath } from './kind.ts'
import {
  type HashOf,
  joined,
  loadTrail,
  type Records,
  recordsOf,
  sameTrail,
  saveTrail,
  type Trail,
  trailOf,
} from './records.ts'
import { noteWaiting, waitingSince } from './waiting.ts'

export type KeeperPlace = FollowerPlace & {
  readonly codexHome: string
  readonly follower: Follower
  readonly platform: Platform
  /** Our own hooks; null where none are installed. */
  readonly own: OwnHooks | null
  /** Canonical hooks that the master has approved are approved here. */
  readonly trustHooks: boolean
  /** `nothing` waits for a session in progress; else one that has `ended`, though its process is there, counts as none. */
  readonly hold: 'nothing' | { readonly ended: string | null }
  readonly progress?: OnProgress
}
export type Told = {
  /** Since when something waits for the end of a session; null for nothing. */
  readonly waitingSinceMs: number | null
  readonly inner: readonly InnerConflict[]
  readonly innerSettled: readonly InnerConflict[]
  readonly left: readonly Left[]
  readonly reprinted: readonly HomePath[]
}
export type Kept = ApplyResult & Told
export type Planned = { readonly plan: Plan } & Told
const none: InnerTakes = () => new Map()

export class Keeper {
  readonly #place: KeeperPlace
  readonly #applier: Applier

  constructor(place: KeeperPlace) {
    this.#place = place
    const hold: Hold = (plan, wish) => this.#hold(plan, wish)
    this.#applier = new Applier({ ...place, blobs: place.follower.blobs, hold })
  }

  /** Finishes or clears away what a crash left of an apply. */
  async recover(): Promise<void> {
    await this.#applier.recover()
  }

  /** What `apply` would do. Writes nothing. */
  async plan(takes: Takes = null): Promise<Planned> {
    const wish = await this.#wisher(inAll(takes))
    const plan = await this.#applier.plan(wish.wishes, takes)
    return { plan, ...(await this.#told(wish.last(), plan.staged)) }
  }

  /** @param scope as of `Applier.apply`. */
  async apply(takes: Takes = null, inner: InnerTakes = inAll(takes), scope: Scope = 'all'): Promise<Kept> {
    await this.recover()
    const wish = await this.#wisher(inner)
    const result = await this.#applier.apply(wish.wishes, takes, scope)
    return this.#remember(result, wish)
  }

  /**
   * Settles one conflict, also another way than before: of a file, of a key of a composed file, or of all keys of one.
   * @param known what `plan` has said, after `recover`; without it both are done here.
   */
  async resolve(words: string, take: Take, known: Planned | null = null): Promise<Kept | Refusal> {
    if (known === null) await this.recover()
    const { plan, inner, innerSettled } = known ?? (await this.plan())
    const isMeant = ({ path, key }: InnerConflict) =>
      path === words || key === words || `${path}#${key}` === words
    const open = inner.filter(isMeant)
    const files = open.length > 0 ? open : innerSettled.filter(isMeant)
    const isPath = [...plan.conflicts, ...plan.settled].some(({ path }) => path === words)
    if (files.length === 0 || isPath) {
      if (!isHomePath(words)) return refuse('usage', `There is no conflict at ${words}.`, { path: words })
      const wish = await this.#wisher(none)
      const result = await this.#applier.resolve(words, take, wish.wishes)
      return isRefusal(result) ? result : this.#remember(result, wish)
    }
    const [one, ...others] = new Set(files.map(({ path }) => path))
    if (one === undefined || others.length > 0)
      return refuse('usage', `${words} is in conflict in several files; use FILE#KEY.`, { path: words })
    const keys = words === one ? [''] : files.map(({ key }) => key ?? '')
    const chosen = new Map(keys.map((key) => [key, take]))
    return this.apply(null, (path) => (path === one ? chosen : new Map()))
  }

  async #wisher(takes: InnerTakes): Promise<Wisher> {
    const { disk, codexHome, stemmaHome, follower, platform, own, trustHooks } = this.#place
    const { seal } = follower.keys
    const { state } = follower
    const lies = await this.#applier.lastPut()
    const stored = await loadTrail(disk, stemmaHome, seal)
    const records = recordsOf(stored, lies)
    const { secrets, closed } = state
      ? await openSecrets(state, follower.blobs, follower.id, seal)
      : { secrets: new Map(), closed: new Map() }
    const plain = state?.files() ?? new Map()
    const contents = follower.blobs
    let composed: Composed | null = null
    let trail = stored
    const wishes = async (): Promise<Wish> => {
      const wish = await compose({
        disk,
        codexHome,
        platform,
        plain,
        contents,
        secrets,
        closed,
        records,
        lies,
        own,
        trustHooks,
        takes,
      })
      composed = wish
      // What will lie there: what is put, and what is not touched.
      const will: HashOf = (path) => wish.files.get(path)?.blob ?? (wish.spares(path) ? lies(path) : null)
      return {
        ...wish,
        // Without a log nobody knows what should be here.
        spares: state ? wish.spares : () => true,
        prepare: async () => {
          const next = joined(trail, trailOf(wish.records, will))
          await this.#save(next, trail)
          trail = next
        },
      }
    }
    return { wishes, last: () => composed, trail: () => trail, before: records }
  }

  /** Thins the records out to what lies there now, file by file. */
  async #remember(result: ApplyResult, wisher: Wisher): Promise<Kept> {
    const composed = wisher.last()
    const open = new Set([...result.faults, ...result.conflicts].map(({ path }): string => path))
    const records = composed && settled(wisher.before, composed, (path) => !open.has(path))
    const trail = records && trailOf(records, await this.#applier.lastPut())
    if (trail) await this.#save(trail, wisher.trail())
    await noteWaiting(this.#place, result.staged.length > 0)
    return { ...result, ...(await this.#told(composed, result.staged)) }
  }

  async #save(trail: Trail, before: Trail): Promise<void> {
    if (sameTrail(trail, before)) return
    const { disk, ids, stemmaHome, follower } = this.#place
    await makeDirs(disk, `${stemmaHome}/apply`, 0o700)
    await saveTrail(disk, ids, stemmaHome, follower.keys.seal, trail)
  }

  async #hold(plan: Plan, wish: Wish): Promise<Plan> {
    if (this.#place.hold === 'nothing') return plan
    const login = await this.#login(plan, wish)
    const waiting = withhold(plan, ({ path }) => isNoticed(path, login))
    // Looking for sessions means looking at every process: only when something would have to wait.
    return waiting.staged.length === 0 || !(await this.mustWait()) ? plan : waiting
  }

  /** Is a session in progress that what is staged has to wait for (S10)? */
  async mustWait(): Promise<boolean> {
    const { disk, codexHome, hold, clock } = this.#place
    if (hold === 'nothing') return false
    const sessions = findSessions(await observeSessions(disk, codexHome), hold.ended)
    return sessions.length > 0 && !isOverdue(await waitingSince(this.#place), clock.now())
  }

  /** What a change of auth.json would mean to a session. */
  async #login(plan: Plan, wish: Wish): Promise<'same' | 'other'> {
    const { disk, codexHome } = this.#place
    const step = plan.steps.find(({ path }) => path === authPath)
    if (step?.act === 'chmod') return 'same'
    if (step?.act !== 'replace') return 'other'
    const local = await readFile(disk, `${codexHome}/${authPath}`, secretBytesMax)
    const pieces: Uint8Array[] = []
    for await (const piece of wish.contents.read(step.to.hash)) pieces.push(piece)
    return compareLogins(local?.toString() ?? null, Buffer.concat(pieces).toString())
  }

  async #told(composed: Composed | null, staged: readonly Step[]): Promise<Told> {
    return {
      waitingSinceMs:
        staged.length === 0 ? null : ((await waitingSince(this.#place)) ?? this.#place.clock.now()),
      inner: composed?.inner ?? [],
      innerSettled: composed?.innerSettled ?? [],
      left: composed?.left ?? [],
      reprinted: composed?.reprinted ?? [],
    }
  }
}

/** Composes anew at every look, and knows what it composed last. */
type Wisher = {
  readonly wishes: Wishes
  readonly last: () => Composed | null
  /** The records as they are stored now. */
  readonly trail: () => Trail
  readonly before: Records
}

/** The new records of what is in place, the old ones of what could not be put. */
function settled(before: Records, { records }: Composed, isDone: (path: HomePath) => boolean): Records {
  const configs = new Map<HomePath, Last>()
  for (const path of new Set([...before.configs.keys(), ...records.configs.keys()])) {
    const one = (isDone(path) ? records : before).configs.get(path)
    if (one) configs.set(path, one)
  }
  return {
    configs,
    hooks: (isDone(hooksPath) ? records : before).hooks,
    approved: (isDone(configPath) ? records : before).approved,
  }
}

/** `--take` at a join settles everything that differs from the start, within composed files too. */
const inAll = (takes: Takes): InnerTakes => (typeof takes === 'string' ? () => new Map([['', takes]]) : none)
