/**
 * A master at work: its folder locked, its log open, and what its commands do to it. The same functions answer a
 * command that opened the folder itself and one that asks the running `master serve`.
 */

import { LossGuard, lossOf } from '../../engine/canon/loss.ts'
import type { Changed } from '../../engine/canon/publisher.ts'
import { Recall } from '../../engine/canon/recall.ts'
import { emptyIndex, type Scan, type ScanIndex, scan } from '../../engine/canon/scan.ts'
import { walk } from '../../engine/canon/walk.ts'
import { printable } from '../../engine/canon/warning.ts'
import { hooksFileOf } from '../../engine/compose/approvals.ts'
import { publishable } from '../../engine/compose/publish.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import { errnoOf } from '../../engine/disk/errno.ts'
import { readFile } from '../../engine/disk/save.ts'
import { type FollowerFacts, Master } from '../../engine/master.ts'
import { loadLocal, loadSettings } from '../../engine/settings/file.ts'
import { mustKeep } from '../../engine/settings/kept.ts'
import { Fault, isRefusal, type Refusal } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import type { FollowerReport, MasterStatus } from '../../schemas/report.ts'
import type { Settings } from '../../schemas/settings.ts'
import type { Hash } from '../../schemas/shape.ts'
import type { Lock } from '../../transport/control/lock.ts'
import { Gate } from '../../transport/link/gate.ts'
import type { Listener } from '../../transport/link/listen.ts'
import type { Context } from '../context.ts'
import { forAnyone, owning, patiently } from '../owner.ts'
import { findFollower } from './find.ts'

/** As others are told of it. */
export const serveWords = 'master serve'

/** What only a running `master serve` has. */
export type Serving = {
  readonly listener: Listener
  /** Address ranges beside the tailnet that it lets in. */
  readonly allow: readonly string[]
  readonly watching: () => boolean
  readonly rescan: () => Promise<void>
  /** Watches anew, after the selection changed. */
  readonly rewatch: () => Promise<void>
}

type Seen = Pick<Scan, 'unlisted' | 'unlistedMore' | 'warningsMore'> & {
  readonly warnings: MasterStatus['warnings']
}

export class Desk {
  readonly context: Context
  readonly disk: Disk
  readonly settings: Settings
  readonly master: Master
  readonly gate: Gate
  serving: Serving | null = null
  readonly loss = new LossGuard()
  /** Why nothing is published now. */
  paused: NonNullable<MasterStatus['paused']> | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #index: ScanIndex = emptyIndex
  readonly #recall = new Recall()
  #seen: Seen | null = null

  constructor(context: Context, disk: Disk, settings: Settings, master: Master) {
    this.context = context
    this.disk = disk
    this.settings = settings
    this.master = master
    this.gate = new Gate(master, context.clock)
  }

  /**
   * Scans the home and publishes what changed.
   * @param changed where, as far as known; null for anywhere.
   */
  look(
    signal: AbortSignal,
    changed: Changed = null,
  ): Promise<{ readonly entries: number; readonly again: boolean }> {
    return this.alone(() => this.#look(signal, changed).finally(this.context.progress.end))
  }

  /** Removes contents that nothing canonical needs. Never between a scan and the entries that name what it stored. */
  sweep(): Promise<number> {
    return this.alone(() => this.master.sweep(breathe))
  }

  /** Runs work that stores contents before it names them, or clears them away: one after the other. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #look(
    signal: AbortSignal,
    changed: Changed,
  ): Promise<{ readonly entries: number; readonly again: boolean }> {
    const { context, master } = this
    if (changed === null) this.#recall.clear()
    else for (const at of changed) this.#recall.forget(at)
    const { files, secrets, selection } = master
    const lookAround = () =>
      scan({
        ...this.#tour(signal),
        blobs: master.blobs,
        clock: context.clock,
        previous: files,
        previousSecrets: secrets,
        index: this.#index,
        recall: this.#recall,
        progress: context.progress.tell,
      })
    let found = await lookAround()
    // What is gone is judged by all of the home as it is now, not by what was there when it was last asked for.
    let lost = lossOf({ files, secrets, selection, found })
    if (changed !== null && lost.gone.length > 0) {
      this.#recall.clear()
      found = await lookAround()
      lost = lossOf({ files, secrets, selection, found })
    }
    this.loss.judge(context.homes.codexHome, lost, context.clock.monotonic())
    const hooksFile = await hooksFileOf(this.disk, context.homes.codexHome)
    const { entries, refused } = await master.publish({ ...found, hooksFile })
    this.#index = found.index
    const more = refused.map(({ path, refusal }) => unfit(path, refusal))
    this.#seen = { ...found, warnings: [...found.warnings, ...more] }
    return { entries, again: found.again }
  }

  /** What the last look saw beside the canonical files; where there was none it looks, and reads the secrets alone. */
  async seen(): Promise<Seen> {
    if (this.#seen) return this.#seen
    const tour = await walk(this.#tour(this.context.signal))
    const unfits: Seen['warnings'][number][] = []
    for (const { path, at, secret } of tour.found) {
      const plain = secret ? await readFile(this.disk, at, secretBytesMax).catch(notRead) : null
      const judged = plain && publishable(path, plain)
      if (judged !== null && isRefusal(judged)) unfits.push(unfit(path, judged))
    }
    return {
      unlisted: tour.unlisted,
      unlistedMore: tour.unlistedMore,
      warnings: [...tour.warnings.list, ...unfits],
      warningsMore: tour.warnings.more,
    }
  }

  followers(): FollowerReport[] {
    const known = this.master.followers().map(
      (row): FollowerReport => ({
        id: row.id,
        name: row.name,
        platform: row.platform,
        state: row.revokedMs === 0 ? 'enrolled' : 'revoked',
        enrolledMs: row.enrolledMs,
        address: null,
      }),
    )
    const waiting = this.gate
      .pending()
      .map((row): FollowerReport => ({ ...row, state: 'waiting', enrolledMs: 0 }))
    return [...known, ...waiting]
  }

  find(words: string): FollowerReport {
    return findFollower(this.followers(), words)
  }

  rowOf(id: Hash): FollowerFacts | undefined {
    return this.master.followers().find((row) => row.id === id)
  }

  #tour(signal: AbortSignal) {
    const { context, disk, master } = this
    return {
      disk,
      home: context.homes.codexHome,
      selection: master.selection,
      fences: [context.homes.stemmaHome],
      signal,
      breathe,
    }
  }
}

const unfit = (path: string, { why }: Refusal): Seen['warnings'][number] => ({
  kind: 'unfit',
  path,
  why: `${printable(path)} is not published as it is now: ${why.replace(/\.?$/, '.')}`,
})

/** What cannot be read is warned about by the look that would publish it. */
function notRead(error: unknown): null {
  if (errnoOf(error) === null && !(error instanceof Fault && error.code === 'too-many')) throw error
  return null
}

/** Lets others run. */
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Opens the folder of a master under its lock, works, and closes both, whatever happens. Another command of this machine
 * is over soon and waited for, but not one that serves.
 */
export async function withDesk<T>(
  context: Context,
  what: string,
  work: (desk: Desk, lock: Lock) => Promise<T>,
): Promise<T> {
  const { homes, ids, clock } = context
  const disk = await openMasterDisk(context)
  const attempt = () =>
    owning(context, what, disk, async (lock) => {
      const settings = await loadSettings(disk, homes.stemmaHome)
      const master = await Master.open({ disk, ids, clock, stemmaHome: homes.stemmaHome })
      try {
        return await work(new Desk(context, disk, settings, master), lock)
      } finally {
        await master.close()
      }
    })
  return patiently(context, attempt, (holder, isLate) =>
    holder === serveWords ? null : forAnyone(holder, isLate),
  )
}

/** The disk of a folder that is a master's and keeps this home, or the reason why not. */
export async function openMasterDisk(context: Context): Promise<Disk> {
  const disk = await context.openDisk(context.homes.codexHome)
  const local = await loadLocal(disk, context.homes.stemmaHome)
  if (!local)
    throw new Fault('not-initialised', `${context.homes.stemmaHome} does not belong to a master yet.`)
  if (local.role !== 'master') throw new Fault('wrong-role', 'This machine is a follower, not a master.')
  await mustKeep(disk, context.homes, local)
  return disk
}
