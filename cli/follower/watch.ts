/**
 * `follower watch`: one link to the master that is kept, and a home that is brought up to date at every change.
 * Always holds: the folder is owned while the link stands, and lent to any other command of this machine that asks;
 * neither that nor the end of the watch cuts an apply off. What goes wrong is said once, and tried again.
 */
import type { Keeper, Kept } from '../../engine/compose/keeper.ts'
import { Bell } from '../../engine/env/bell.ts'
import { type Repeated, repeat } from '../../engine/env/repeat.ts'
import { dropWatching, noteWatching } from '../../engine/watching.ts'
import { Fault } from '../../schemas/fault.ts'
import {
  contactEveryMs,
  lentMs,
  retryRefusedMs,
  stagedLookMs,
  watchingEveryMs,
  wholeLookEveryMs,
} from '../../schemas/limits.ts'
import type { Link } from '../../schemas/link.ts'
import type { Lock } from '../../transport/control/lock.ts'
import { type Change, watchSurroundings } from '../../transport/identity/surroundings.ts'
import { stay } from '../../transport/link/stay.ts'
import type { Context } from '../context.ts'
import { isInstalled, planHere } from '../service/state.ts'
import { counted } from '../ui/amount.ts'
import { Voice } from '../ui/voice.ts'
import { conflictsOf } from './conflict.ts'
import { noteTrouble } from './contact.ts'
import { type FollowerDesk, linkOf, watchWords, withFollower } from './desk.ts'
import { followNew } from './fetch.ts'
import { bringUp, positionOf } from './sync.ts'
import { heldBack } from './tell.ts'

/** Watches until the context's signal; throws what makes going on useless. */
export const watch = (context: Context): Promise<void> => new Watcher(context).run()

/** Why a link is given up although nothing is wrong with it. */
const lent = new Fault('interrupted', 'Another command of this machine has the folder.')
const again = new Fault('interrupted', 'What could not be put into the home is tried again.')
const elsewhere = new Fault('unreachable', 'This machine slept, or its addresses changed.')

class Watcher {
  readonly #context: Context
  readonly #voice: Voice
  readonly #changes = new Bell()
  readonly #stop = new AbortController()
  /** Ends the link of the moment, or the way to one. */
  #drop: (why: unknown) => void = () => {}
  /** Ends the way to a link alone. */
  #hurry: (why: unknown) => void = () => {}
  #isLost = false
  #hasBegun = false
  /** What was told last of the home. */
  #told = ''

  constructor(context: Context) {
    this.#context = { ...context, signal: AbortSignal.any([context.signal, this.#stop.signal]) }
    this.#voice = new Voice(context, { early: true })
  }

  async run(): Promise<void> {
    const { clock, signal } = this.#context
    const stop = watchSurroundings(clock, (change) => this.#noticed(change))
    try {
      for (;;) {
        await withFollower(this.#context, watchWords, (desk, local, lock) =>
          this.#hold(desk, linkOf(local), lock),
        )
        await clock.wait(lentMs, signal)
      }
    } catch (error) {
      if (await this.#hasLeft(error))
        this.#voice.say({ event: 'left' }, 'This machine no longer follows a master.')
      else if (!signal.aborted) throw error
    } finally {
      stop()
    }
    this.#voice.say({ event: 'stopped' }, 'Stopped.')
  }

  /** `follower leave` takes the service along: one that is there comes back for the join behind a `trust reset`. */
  async #hasLeft(error: unknown): Promise<boolean> {
    if (!this.#hasBegun || !(error instanceof Fault) || error.code !== 'not-initialised') return false
    const disk = await this.#context.openDisk()
    const plan = await planHere(this.#context, disk, 'follower')
    return plan === null || !(await isInstalled(disk, plan))
  }

  #noticed(change: Change): void {
    // A link that stands goes on standing where there is one more address.
    if (change === 'found') this.#hurry(elsewhere)
    else this.#drop(elsewhere)
    this.#changes.ring()
  }

  /** While the folder is ours: links, one after the other. Returns when it is to be lent. */
  async #hold(desk: FollowerDesk, link: Link, lock: Lock): Promise<void> {
    this.#hasBegun = true
    const { clock, ids } = this.#context
    const ended = new AbortController()
    const signal = AbortSignal.any([this.#context.signal, ended.signal])
    const control = lock.serve((request) => {
      if (request.cmd === 'stop') this.#stop.abort(new Fault('interrupted', 'Stopped on request.'))
      else if (request.cmd === 'lend') ended.abort(lent)
      else throw new Fault('wrong-role', 'This machine is a follower that watches.')
      return Promise.resolve({})
    })
    control.catch((error: unknown) => ended.abort(error))
    try {
      await desk.keeper.recover()
      await this.#finish(desk)
      await stay(
        {
          clock,
          fraction: () => ids.fraction(),
          visit: (reached) => this.#visit(desk, link, reached, signal),
          again,
          elsewhere,
          lost: (fault) => this.#lost(desk, link, fault),
          changes: this.#changes,
        },
        signal,
      )
    } catch (error) {
      if (error === lent) return
      if (error instanceof Fault && !this.#context.signal.aborted) await noteTrouble(desk, link, error)
      throw error
    }
  }

  /** What is stored already goes into the home, wherever the master is. */
  async #finish(desk: FollowerDesk): Promise<void> {
    const { head, state } = desk.follower
    if (!head || !state || head.seq === desk.contact.appliedSeq) return
    if ((await desk.follower.missing(state)).length === 0) this.#tell(desk, await bringUp(desk))
  }

  /** One link, from its beginning to its end. @returns why it ended. */
  async #visit(desk: FollowerDesk, link: Link, reached: () => void, signal: AbortSignal): Promise<unknown> {
    const { clock, pid, homes } = this.#context
    const place = { disk: desk.disk, clock, stemmaHome: homes.stemmaHome }
    const [dropped, setOut] = [new AbortController(), new AbortController()]
    const drop = (why: unknown) => dropped.abort(why)
    this.#drop = drop
    this.#hurry = (why) => setOut.abort(why)
    const beside = new Map<string, Repeated>()
    const besides = (what: string, everyMs: number, work: () => Promise<unknown>) => {
      if (!beside.has(what)) beside.set(what, repeat(clock, everyMs, work, drop))
    }
    let seen: number | null = null
    // One for all of the link: it knows what it wrote down last, and when it looked at all of the home.
    const { keeper } = desk
    let wholeMs = -Infinity
    try {
      const bounds = AbortSignal.any([signal, dropped.signal])
      bounds.throwIfAborted()
      bounds.addEventListener('abort', () => setOut.abort(bounds.reason), { once: true })
      await followNew(desk, link, bounds, setOut.signal, async () => {
        const { seq } = positionOf(desk)
        // An idle master signs its head anew: it is there, and nothing has changed.
        if (seq === seen) return this.#heard(desk)
        const nowMs = clock.monotonic()
        const isDue = nowMs - wholeMs >= wholeLookEveryMs
        const kept = await bringUp(desk, null, keeper, isDue ? 'all' : 'changed')
        if (isDue) wholeMs = nowMs
        else besides('whole', wholeLookEveryMs, () => Promise.reject(again))
        if (seen === null) {
          reached()
          await this.#reached(desk, link)
          await noteWatching(place, pid)
          besides('word', watchingEveryMs, () => noteWatching(place, pid))
        }
        seen = seq
        this.#tell(desk, kept)
        if (kept.staged.length > 0) besides('sessions', stagedLookMs, () => this.#lookForSessions(keeper))
        if (heldBack(kept, kept.faults) > 0) besides('held back', retryRefusedMs, () => Promise.reject(again))
      })
      throw new Fault('unreachable', 'The link ended.')
    } catch (error) {
      return error
    } finally {
      this.#drop = () => {}
      this.#hurry = () => {}
      await Promise.all([...beside.values()].map((one) => one.stop()))
      await dropWatching(place)
    }
  }

  /** Written down once a minute at most, however often the master says so. */
  async #heard(desk: FollowerDesk): Promise<void> {
    const nowMs = this.#context.clock.now()
    if (Math.abs(nowMs - desk.contact.contactMs) > contactEveryMs) await desk.note({ contactMs: nowMs })
  }

  async #lookForSessions(keeper: Keeper): Promise<void> {
    if (!(await keeper.mustWait())) throw again
  }

  async #reached(desk: FollowerDesk, { host }: Link): Promise<void> {
    const { seq } = positionOf(desk)
    const [facts, words] = [{ event: 'connected', seq }, `Connected to ${host}, at entry ${seq}.`] as const
    if (!this.#voice.isOpen) this.#voice.open(facts, words)
    else if (this.#isLost) this.#voice.say(facts, words)
    this.#isLost = false
    if (desk.contact.trouble !== null) await desk.note({ trouble: null })
  }

  async #lost(desk: FollowerDesk, link: Link, fault: Fault): Promise<void> {
    this.#isLost = true
    await noteTrouble(desk, link, fault)
    this.#voice.say({ event: 'away', code: fault.code }, `${fault.message} It is tried again.`)
  }

  #tell(desk: FollowerDesk, kept: Kept): void {
    const { seq, revision } = positionOf(desk)
    const conflicts = conflictsOf(kept.conflicts, kept.inner).length
    const [changed, staged, left] = [kept.changed.length, kept.staged.length, heldBack(kept, kept.faults)]
    const more = [
      ...(conflicts > 0 ? [`${counted(conflicts, 'conflict')} (\`stemma conflicts\`)`] : []),
      ...(staged > 0 ? [`${counted(staged, 'file')} until the end of a session`] : []),
      ...(left > 0 ? [`${counted(left, 'file')} that could not be brought up to date`] : []),
    ]
    const waiting = more.length > 0 ? `; waiting: ${more.join(', ')}` : ''
    // Looks after another command bring no news, nor, for people, do entries of no file.
    const now = this.#context.json ? `${seq}${waiting}` : waiting
    if (changed === 0 && now === this.#told) return
    this.#told = now
    this.#voice.say(
      { event: 'applied', seq, revision, changed, conflicts, staged, left },
      `Entry ${seq}: ${counted(changed, 'file')} changed${waiting}.`,
    )
  }
}
