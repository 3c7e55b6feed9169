/**
 * Watches a Codex home and says "look again", nothing more: events are hints, the scan decides. The one import
 * of chokidar.
 * Always holds: only folders that may hold something canonical are watched (one watch a folder, none a file, so
 * that sessions/ and packages/ cost nothing); no link is followed out of the home but the approved ones; when the
 * system refuses watches, or the home is away, hints come by the clock instead.
 */
import { basename, sep } from 'node:path'
import { watch as chokidar, type FSWatcher } from 'chokidar'
import { Fault } from '../../schemas/fault.ts'
import { homeCheckEveryMs, pollEveryMs, rewatchEveryMs, settleMaxMs } from '../../schemas/limits.ts'
import type { Disk } from '../disk/disk.ts'
import type { Clock } from '../env/clock.ts'
import { classify, mayContain } from './classify.ts'
import { below } from './link.ts'
import type { Selection } from './selection.ts'

/** `polling`: no hints from the system; `why` is a sentence. */
export type WatchState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'watching' }
  | { readonly kind: 'polling'; readonly why: string }

export type WatchInput = {
  readonly disk: Disk
  readonly clock: Clock
  readonly home: string
  readonly selection: Selection
  /** What may have changed: an entry of a watched folder, by its real path with `/`; null for anything. */
  readonly onHint: (at: string | null) => void
  readonly onState?: (state: WatchState) => void
}

export class HomeWatch {
  readonly #input: WatchInput
  #state: WatchState = { kind: 'starting' }
  #watchers: FSWatcher[] = []
  /** The home folder that is watched: its real path and identity. */
  #root: { readonly path: string; readonly ino: string } | null = null
  #retryMs = 0
  /** A watched folder itself was removed or replaced: its watch may be dead, and the same name alive again. */
  #suspect = false
  #closed = false
  #cancelTick: () => void = () => {}
  #cancelLate: (() => void) | null = null
  #ticking: Promise<void> = Promise.resolve()

  constructor(input: WatchInput) {
    this.#input = input
  }

  get state(): WatchState {
    return this.#state
  }

  /** Resolves once the watches stand, or polling has begun in their place. */
  async open(): Promise<void> {
    await this.#rewatch()
    this.#arm()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTick()
    this.#cancelLate?.()
    await this.#ticking
    await this.#drop()
  }

  /** The heartbeat: is the home still the one that is watched, and if nothing is, does it work now? */
  #arm(): void {
    this.#cancelTick()
    if (this.#closed) return
    const everyMs = this.#suspect
      ? settleMaxMs
      : this.#state.kind === 'polling'
        ? pollEveryMs
        : homeCheckEveryMs
    this.#cancelTick = this.#input.clock.after(everyMs, () => this.#inTurn(() => this.#tick()))
  }

  /** One after the other: a heartbeat, an error of the system. */
  #inTurn(act: () => Promise<void>): void {
    this.#ticking = this.#ticking.then(async () => {
      if (!this.#closed) await act()
      this.#arm()
    })
  }

  async #tick(): Promise<void> {
    const here = await this.#identify()
    const moved = this.#suspect || here?.ino !== this.#root?.ino || here?.path !== this.#root?.path
    const retry = this.#state.kind === 'polling' && this.#input.clock.monotonic() >= this.#retryMs
    if (moved || retry) await this.#rewatch()
    // Also once the watches stand again: nothing told of what came before them.
    if (moved || retry || this.#state.kind === 'polling') this.#input.onHint(null)
  }

  async #rewatch(): Promise<void> {
    await this.#drop()
    this.#suspect = false
    if (this.#state.kind === 'watching') this.#become({ kind: 'starting' })
    const { clock, home } = this.#input
    this.#root = await this.#identify()
    this.#retryMs = clock.monotonic() + rewatchEveryMs
    if (this.#root === null)
      return this.#become({ kind: 'polling', why: `There is no folder ${home} to watch.` })
    const failure = await this.#start(this.#root.path)
    if (failure === null) return this.#become({ kind: 'watching' })
    await this.#poll(failure)
  }

  /** Sets the watches; resolves with what went wrong, or null once they stand. */
  async #start(root: string): Promise<unknown> {
    const tops = [root, ...this.#input.selection.links.map(({ target }) => target)]
    const failures = await Promise.all(tops.map((top) => this.#watch(root, top)))
    return failures.find((failure) => failure !== null) ?? null
  }

  /** The home, or what an approved link leads to. */
  #watch(root: string, top: string): Promise<unknown> {
    const { selection } = this.#input
    const base = unified(top)
    const watcher = chokidar('.', {
      // As a path to watch it would be taken for another one where a name has a backslash; a folder to work in is not.
      cwd: top,
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      // A path is asked about before anything is known of it, and again with its kind.
      ignored: (path, stats) => {
        const inner = below(base, unified(path))
        if (inner === '' && top !== root) return false
        if (stats && !stats.isDirectory()) return true
        return top === root && inner !== null && !mayContain(inner, selection)
      },
    })
    this.#watchers.push(watcher)
    watcher.on('raw', (event, name, details) => this.#heard(root, event, name, details))
    // Files may appear in a new folder before its watch stands: look once more a little later.
    watcher.on('addDir', () => {
      this.#input.onHint(null)
      this.#cancelLate ??= this.#input.clock.after(settleMaxMs, () => {
        this.#cancelLate = null
        this.#input.onHint(null)
      })
    })
    return new Promise((resolve) => {
      watcher.on('error', (error) => {
        resolve(error)
        if (this.#watchers.includes(watcher) && this.#state.kind === 'watching')
          this.#inTurn(async () => {
            await this.#poll(error)
            this.#input.onHint(null)
          })
      })
      watcher.on('ready', () => resolve(null))
    })
  }

  /** One event of the system: a name in a watched folder. Most in the home itself are of no concern (logs, databases). */
  #heard(root: string, event: string, name: unknown, details: unknown): void {
    const folder = watchedPath(details)
    if (folder === null || typeof name !== 'string') {
      this.#input.onHint(null)
      return
    }
    // The system names a folder that was itself removed or moved as if it lay in itself.
    const isOwn = event === 'rename' && name === basename(folder)
    if (isOwn && !this.#suspect) {
      this.#suspect = true
      this.#arm()
    }
    const inner = below(root, folder)
    const path = inner === null || inner === '' ? slashed(name) : `${inner}/${slashed(name)}`
    if (inner !== null && !this.#concerns(path)) return
    this.#input.onHint(inner === null || isOwn ? null : `${root}/${path}`)
  }

  #concerns(path: string): boolean {
    const { selection } = this.#input
    const { kind } = classify(path, selection)
    return kind === 'plain' || kind === 'sealed' || mayContain(path, selection)
  }

  async #poll(error: unknown): Promise<void> {
    await this.#drop()
    const reason = error instanceof Error ? error.message : String(error)
    this.#become({ kind: 'polling', why: `The system refuses to watch the home (${reason}).` })
  }

  async #drop(): Promise<void> {
    const watchers = this.#watchers
    this.#watchers = []
    await Promise.all(watchers.map((watcher) => watcher.close()))
  }

  #become(state: WatchState): void {
    const same = JSON.stringify(this.#state) === JSON.stringify(state)
    this.#state = state
    if (!same) this.#input.onState?.(state)
  }

  /** The home as it is now; null when there is none, or none that can be looked at: the scan says which. */
  async #identify(): Promise<{ readonly path: string; readonly ino: string } | null> {
    const { disk, home } = this.#input
    try {
      const path = await disk.realPath(home)
      const stat = path === null ? null : await disk.stat(path)
      return path !== null && stat?.kind === 'folder' ? { path: slashed(path), ino: stat.ino } : null
    } catch (error) {
      if (error instanceof Fault) return null
      throw error
    }
  }
}

/** The folder whose watch spoke, out of what chokidar tells beside a raw event. */
function watchedPath(details: unknown): string | null {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return null
  return typeof details.watchedPath === 'string' ? slashed(details.watchedPath) : null
}

/** A path as chokidar asks about it: on every system it takes a backslash for a separator, and several for one. */
const unified = (path: string): string => path.replaceAll('\\', '/').replace(/(?<=.)\/{2,}/g, '/')

const slashed = (path: string): string => (sep === '/' ? path : path.replaceAll(sep, '/'))
