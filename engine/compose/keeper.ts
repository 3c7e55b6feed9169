/**
 * Keeps a follower's home: composes what it should hold, applies it, and remembers what was composed.
 * Always holds: records follow the files, never the other way round; a secret is in memory for as long as one call.
 */
import { isRefusal, type Refusal, refuse, toFault } from '../../schemas/fault.ts'
import { type HomePath, isHomePath } from '../../schemas/path.ts'
import type { Platform } from '../../schemas/shape.ts'
import { Applier, type ApplyResult } from '../apply/applier.ts'
import type { Plan, Takes } from '../apply/plan.ts'
import { makeDirs } from '../disk/tree.ts'
import type { Follower, FollowerPlace } from '../follower.ts'
import type { Take } from '../merge/weigh.ts'
import { openSecrets } from '../secrets/reader.ts'
import { type Composed, compose, type InnerConflict, type InnerTakes, type Left } from './compose.ts'
import { loadRecords, sameRecords, saveRecords } from './records.ts'

export type KeeperPlace = FollowerPlace & {
  readonly codexHome: string
  readonly follower: Follower
  readonly platform: Platform
  /** The command of our own hook; null where none is installed. */
  readonly own: string | null
}
export type Told = {
  readonly inner: readonly InnerConflict[]
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
    this.#applier = new Applier({ ...place, blobs: place.follower.blobs })
  }

  /** Finishes or clears away what a crash left of an apply. */
  async recover(): Promise<void> {
    await this.#applier.recover()
  }

  /** What `apply` would do. Writes nothing. */
  async plan(takes: Takes = null): Promise<Planned> {
    const wish = await this.#wisher(inAll(takes))
    const plan = await this.#applier.plan(wish.wishes, takes)
    return { plan, ...toldOf(wish.last()) }
  }

  async apply(takes: Takes = null, inner: InnerTakes = inAll(takes)): Promise<Kept> {
    const wish = await this.#wisher(inner)
    const result = await this.#applier.apply(wish.wishes, takes)
    return this.#remember(result, wish.last())
  }

  /** Settles one conflict: of a file, of a key of a composed file, or of all keys of one. */
  async resolve(words: string, take: Take): Promise<Kept | Refusal> {
    const { plan, inner } = await this.plan()
    const files = inner.filter(
      ({ path, key }) => path === words || key === words || `${path}#${key}` === words,
    )
    const isPath = [...plan.conflicts, ...plan.settled].some(({ path }) => path === words)
    if (files.length === 0 || isPath) {
      if (!isHomePath(words)) return refuse('usage', `There is no conflict at ${words}.`, { path: words })
      const wish = await this.#wisher(none)
      const result = await this.#applier.resolve(words, take, wish.wishes)
      return isRefusal(result) ? result : this.#remember(result, wish.last())
    }
    const [one, ...others] = new Set(files.map(({ path }) => path))
    if (one === undefined || others.length > 0)
      return refuse('usage', `${words} is in conflict in several files; use FILE#KEY.`, { path: words })
    const keys = words === one ? [''] : files.map(({ key }) => key ?? '')
    const chosen = new Map(keys.map((key) => [key, take]))
    return this.apply(null, (path) => (path === one ? chosen : new Map()))
  }

  async #wisher(takes: InnerTakes) {
    const { disk, codexHome, stemmaHome, follower, platform, own } = this.#place
    const records = await loadRecords(disk, stemmaHome, follower.keys.seal)
    const { state } = follower
    const secrets = state
      ? await openSecrets(state, follower.blobs, follower.id, follower.keys.seal)
      : new Map()
    if (isRefusal(secrets)) throw toFault(secrets)
    const plain = state?.files() ?? new Map()
    let composed: Composed | null = null
    const wishes = async (): Promise<Composed> => {
      composed = await compose({
        disk,
        codexHome,
        platform,
        plain,
        contents: follower.blobs,
        secrets,
        records,
        own,
        takes,
      })
      return composed
    }
    return { wishes, last: () => composed }
  }

  async #remember(result: ApplyResult, composed: Composed | null): Promise<Kept> {
    const { disk, ids, stemmaHome, follower } = this.#place
    const failed = new Set(result.faults.map(({ path }) => path))
    const stuck = new Set(result.conflicts.map(({ path }) => path))
    if (composed && ![...composed.composed.keys()].some((path) => failed.has(path) || stuck.has(path))) {
      if (!sameRecords(composed.records, await loadRecords(disk, stemmaHome, follower.keys.seal))) {
        await makeDirs(disk, `${stemmaHome}/apply`, 0o700)
        await saveRecords(disk, ids, stemmaHome, follower.keys.seal, composed.records)
      }
    }
    return { ...result, ...toldOf(composed) }
  }
}

/** `--take` at a join settles everything that differs from the start, within composed files too. */
const inAll = (takes: Takes): InnerTakes => (typeof takes === 'string' ? () => new Map([['', takes]]) : none)

const toldOf = (composed: Composed | null): Told => ({
  inner: composed?.inner ?? [],
  left: composed?.left ?? [],
  reprinted: composed?.reprinted ?? [],
})
