/**
 * The writer lock: at most one process writes to a stemma folder, and the lock dies with its process.
 * Always holds (proof in the README): a socket named `w-…` listens from the moment it has that name until its
 * process ends or gives up; a folder is owned only after a look at all others, made while listening.
 */
import { join } from 'node:path'
import type { Disk } from '../../engine/disk/disk.ts'
import { diskFault, errnoOf } from '../../engine/disk/errno.ts'
import type { Ids } from '../../engine/env/ids.ts'
import { type ControlWho, controlWho } from '../../schemas/control.ts'
import { Fault } from '../../schemas/fault.ts'
import { lockCheckEveryMs, lockClaimMs, lockPauseMs, lockWhoTimeoutMs } from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import { type Asked, askSocket } from './ask.ts'
import { type End, type Handler, listen, type Self } from './end.ts'
import { findPlace, isClaim, isUnfinished, preparePlace, socketName } from './place.ts'

export type Lock = {
  /**
   * Answers requests from now on. Settles with the release; rejects when going on would be wrong: a bug in the
   * handler (its client is told first), or Fault `locked` when somebody removed the socket. Call it once.
   */
  serve(handler: Handler): Promise<void>
  /** Gives the folder up, once every answer under way is given; a handler must not wait for it. */
  release(): Promise<void>
}

/** `home` must exist. `what` is the command, for the message that others get: `master serve`. */
export type Claim = Self & {
  readonly home: string
  readonly disk: Disk
  readonly ids: Ids
  /** Null where users have no number (Windows). */
  readonly uid: number | null
  readonly signal: AbortSignal
}

/** @throws Fault `locked`, with the owner's pid and command where it tells them. */
export async function acquireLock(claim: Claim): Promise<Lock> {
  const { disk, clock, ids, home, uid, signal } = claim
  const place = await findPlace(disk, home, uid)
  if (place === null) throw new Fault('disk-missing', `The folder ${home} is not there.`, { path: home })
  if (place.kind === 'folder') await preparePlace(disk, place.folder, uid)
  const until = clock.monotonic() + lockClaimMs
  // One rank for all attempts: of any set of claimants the same one is first, and the others let it win.
  const rank = ids.bytes(4).toString('hex')
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const result =
      place.kind === 'pipe'
        ? await claimPipe(claim, place.pipe)
        : await claimSocket(claim, place.folder, rank, until)
    if (result.kind === 'owned') return result.lock
    if (result.kind === 'taken') throw locked(claim, result.who)
    if (clock.monotonic() >= until) throw locked(claim, null)
    await clock.wait(lockPauseMs * (1 + ids.fraction() * attempt), signal)
  }
}

type Result =
  | { readonly kind: 'owned'; readonly lock: Lock }
  | { readonly kind: 'taken'; readonly who: ControlWho | null }
  /** Somebody is deciding or ending: try again in a moment. */
  | { readonly kind: 'unsettled' }

async function claimSocket(claim: Claim, folder: string, rank: string, until: number): Promise<Result> {
  const { disk, clock, ids, signal } = claim
  const digits = rank + ids.bytes(8).toString('hex')
  const hidden = join(folder, socketName('c', digits))
  const name = socketName('w', digits)
  const own = join(folder, name)
  const end = await bind(claim, hidden)
  const release = async () => {
    // First out of sight, then deaf: nobody takes a name that has its process for a dead one.
    await disk.unlink(own)
    await end.close()
  }
  try {
    // Between bind and listen a socket refuses like a dead one; it gets the name that counts when it listens.
    if (!(await publish(disk, hidden, own))) {
      await end.close()
      return { kind: 'unsettled' }
    }
    for (;;) {
      const seen = await look(claim, folder, name)
      if (seen.kind === 'alone') {
        await disk.chmod(own, 0o600)
        end.own()
        await sweep(claim, folder)
        const stopChecking = keepChecking(claim, own, end)
        return { kind: 'owned', lock: { serve: end.serve, release: () => stopChecking().then(release) } }
      }
      if (seen.kind === 'taken' || seen.yields || clock.monotonic() >= until) {
        await release()
        return seen.kind === 'taken' ? seen : { kind: 'unsettled' }
      }
      await clock.wait(lockPauseMs, signal)
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** @returns false when an owner that swept took the socket for one left behind, which it looks like until it listens. */
async function publish(disk: Disk, hidden: string, own: string): Promise<boolean> {
  try {
    await disk.rename(hidden, own)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

type Seen =
  | { readonly kind: 'alone' }
  | { readonly kind: 'taken'; readonly who: ControlWho | null }
  /** Others claim too. `yields`: one of them comes before us. */
  | { readonly kind: 'contested'; readonly yields: boolean }

async function look(claim: Claim, folder: string, own: string): Promise<Seen> {
  const entries = (await claim.disk.list(folder)) ?? []
  const others = entries.map((entry) => entry.name).filter((name) => isClaim(name) && name !== own)
  const answers = await Promise.all(
    others.map(async (name) => ({ name, who: await who(claim, join(folder, name)) })),
  )
  let contested = false
  let yields = false
  for (const { name, who } of answers) {
    if (who.kind === 'dead') await claim.disk.unlink(join(folder, name))
    else if (who.kind === 'taken') return who
    else {
      contested = true
      if (who.kind === 'claiming' && name < own) yields = true
    }
  }
  return contested ? { kind: 'contested', yields } : { kind: 'alone' }
}

type Who =
  | { readonly kind: 'dead' | 'vanished' | 'claiming' }
  | { readonly kind: 'taken'; readonly who: ControlWho | null }

async function who(claim: Claim, path: string): Promise<Who> {
  const asked: Asked = await askSocket(path, { cmd: 'who' }, claim.clock, lockWhoTimeoutMs)
  if (asked.kind === 'dead' || asked.kind === 'vanished') return { kind: asked.kind }
  if (asked.kind === 'answered' && 'ok' in asked.response) {
    const checked = v.safeParse(controlWho, asked.response.ok)
    if (checked.success)
      return checked.output.state === 'claiming'
        ? { kind: 'claiming' }
        : { kind: 'taken', who: checked.output }
  }
  // It lives and does not answer as we do (stopped, or another version): the folder is not free.
  return { kind: 'taken', who: null }
}

/** A process that died between bind and rename left a hidden socket; one that still lives is not harmed by its loss. */
async function sweep(claim: Claim, folder: string): Promise<void> {
  for (const { name } of (await claim.disk.list(folder)) ?? []) {
    const path = join(folder, name)
    if (isUnfinished(name) && (await who(claim, path)).kind === 'dead') await claim.disk.unlink(path)
  }
}

/**
 * Touches the socket now and then: cleaners of /tmp leave it alone, and if somebody removes it the owner learns
 * that it no longer keeps others away.
 */
function keepChecking({ disk, clock }: Claim, own: string, end: End): () => Promise<void> {
  let checking = Promise.resolve()
  let cancel = () => {}
  const next = () => {
    cancel = clock.after(lockCheckEveryMs, () => {
      checking = disk.chmod(own, 0o600).then(next, (cause) => {
        end.fail(
          new Fault(
            'locked',
            `The socket that keeps other writers away is gone: ${own}.`,
            { path: own },
            cause,
          ),
        )
      })
    })
  }
  next()
  return async () => {
    cancel()
    await checking
    cancel()
  }
}

/** Windows: the name itself is exclusive, so whoever holds it owns the folder. */
async function claimPipe(claim: Claim, pipe: string): Promise<Result> {
  try {
    const end = await listen(claim, pipe)
    end.own()
    return { kind: 'owned', lock: { serve: end.serve, release: end.close } }
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw diskFault(errorCode(error), 'open', pipe, error)
  }
  const holder = await who(claim, pipe)
  return holder.kind === 'taken' ? holder : { kind: 'unsettled' }
}

async function bind(claim: Claim, path: string): Promise<End> {
  try {
    return await listen(claim, path)
  } catch (error) {
    throw diskFault(errorCode(error), 'open', path, error)
  }
}

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

const locked = ({ home }: Claim, who: ControlWho | null): Fault =>
  who
    ? new Fault('locked', `\`stemma ${who.what}\` (pid ${who.pid}) is using ${home}.`, {
        home,
        pid: who.pid,
        what: who.what,
      })
    : new Fault('locked', `Another stemma process is using ${home}; it does not say which.`, { home })
