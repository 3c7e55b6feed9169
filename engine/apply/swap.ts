/**
 * Carries out one step of a journal, in the first run or again after a crash.
 * Always holds: at any moment the file is the old one or the new one, whole. What lies there is read again
 * right before it is changed, and what was displaced is read again afterwards: bytes that are not the expected
 * ones are the user's, go back to their place (or, when that is taken by now, into a backup), and the step
 * counts as `moved`.
 */
import { Fault, unreachable } from '../../schemas/fault.ts'
import type { HomePath } from '../../schemas/path.ts'
import { errnoOf } from '../disk/errno.ts'
import { backUp } from './backup.ts'
import { type Digest, digestOf } from './digest.ts'
import { isOurGround, type Work } from './ground.ts'
import type { JournalStep } from './journal.ts'
import { execOf, type Seen, same, withExec } from './mark.ts'
import { lookAbove } from './observe.ts'
import { inHome, type Site } from './site.ts'
import { stageDir } from './stage.ts'

/**
 * `moved`: the home is not as planned, plan again. `edited`: the same, but the step had been carried out before a crash,
 * and what lies there was made of it. A fault concerns this file alone.
 */
export type Outcome = 'done' | 'edited' | 'moved' | Fault

export const isCarriedOut = (outcome: Outcome | undefined): boolean =>
  outcome === 'done' || outcome === 'edited'
export const isMoved = (outcome: Outcome | undefined): boolean => outcome === 'moved' || outcome === 'edited'

type Displacing = Extract<JournalStep, { act: 'replace' | 'remove' }>
type Now =
  | { readonly kind: 'absent' | 'obstacle' }
  | ({ readonly kind: 'file'; readonly mode: number } & Seen)

/** A fault that stops one file and not the others. */
export const isLocal = (error: unknown): error is Fault =>
  error instanceof Fault && (error.code === 'disk-busy' || error.code === 'disk-denied')

export async function swap(work: Work, step: JournalStep, index: number): Promise<Outcome> {
  const next = `${stageDir(work.site, work.tx)}/${index}`
  const old = `${next}.old`
  const outcome = await change(work, step, next, old).catch((error: unknown) => {
    if (isLocal(error)) return error
    // Something on the way there, or the staged content, was taken away.
    if (error instanceof Fault && error.code === 'disk-missing') return 'moved' as const
    throw error
  })
  if (step.act !== 'replace' && step.act !== 'remove') return outcome
  const kept = await giveBack(work, step, old)
  return outcome === 'done' && !kept ? 'moved' : outcome
}

async function change(work: Work, step: JournalStep, next: string, old: string): Promise<Outcome> {
  const { site } = work
  const { disk } = site
  const at = inHome(site, step.path)
  const now = await look(site, step.path)
  // Done already: by us before a crash, or by the user.
  if (step.act === 'remove' ? now.kind === 'absent' : now.kind === 'file' && same(now, step.to)) return 'done'
  if (step.act === 'create')
    return now.kind === 'absent' && (await put(work, next, step.path)) ? 'done' : 'moved'
  if (now.kind !== 'file' || !same(now, step.from))
    return (await wasPut(work, step, now, next, old)) ? 'edited' : 'moved'
  switch (step.act) {
    case 'replace':
      await clear(site, step, old)
      await hold(site, at, old)
      if (!(await isOurGround(work, step.path))) return 'moved'
      if (!step.path.includes('/') && !(await isHeld(site, at, old))) return 'moved'
      await disk.rename(next, at)
      return 'done'
    case 'chmod':
      if (!(await isOurGround(work, step.path))) return 'moved'
      await disk.chmod(at, withExec(now.mode, step.to.exec))
      return 'done'
    case 'remove':
      // Not unlink: whatever lies there at this moment is moved aside whole, and judged then.
      await clear(site, step, old)
      if (!(await isOurGround(work, step.path))) return 'moved'
      await disk.rename(at, old)
      return 'done'
    default:
      return unreachable(step)
  }
}

/**
 * Whether a run that was cut off had carried out this step, although something else lies there now: what it staged is
 * gone, and what it displaced is as expected. Who thinks otherwise takes the rest of what we put for an edit of the user.
 * A new file displaced nothing, and keeps its second name until its folder is durable: of it nobody can tell.
 */
async function wasPut(
  { site }: Work,
  step: JournalStep,
  now: Now,
  next: string,
  old: string,
): Promise<boolean> {
  if (now.kind !== 'file' || (step.act !== 'replace' && step.act !== 'remove')) return false
  if (step.act === 'replace' && (await site.disk.stat(next)) !== null) return false
  const held = await digestOf(site.disk, old)
  return held !== null && same(seenOf(site, held), step.from)
}

const seenOf = (site: Site, { hash, stat }: Digest): Seen => ({
  exec: execOf(stat.mode, !site.disk.windows),
  hash,
})

async function look(site: Site, path: HomePath): Promise<Now> {
  const above = await lookAbove(site.disk, site.home, path)
  if (above !== null) return { kind: above.kind === 'absent' ? 'absent' : 'obstacle' }
  const stat = await site.disk.stat(inHome(site, path))
  if (stat === null) return { kind: 'absent' }
  if (stat.kind !== 'file') return { kind: 'obstacle' }
  const digest = await digestOf(site.disk, inHome(site, path))
  if (digest === null) return { kind: 'absent' }
  return { kind: 'file', mode: digest.stat.mode, ...seenOf(site, digest) }
}

/** Puts a file where nothing is, never over anything. False when something is there, or no folder for it. */
async function put(work: Work, from: string, path: HomePath): Promise<boolean> {
  const { disk } = work.site
  const to = inHome(work.site, path)
  if (!(await isOurGround(work, path))) return false
  try {
    return await disk.link(from, to)
  } catch (error) {
    if (!isLinkless(error)) throw error
  }
  if ((await disk.stat(to)) !== null || !(await isOurGround(work, path))) return false
  await disk.rename(from, to)
  return true
}

/** Keeps what lies at `at` under a second name, so that replacing it loses nothing. */
async function hold(site: Site, at: string, old: string): Promise<void> {
  try {
    await site.disk.link(at, old)
  } catch (error) {
    if (!isLinkless(error)) throw error
  }
}

/**
 * Is what is about to be replaced still the file that is held? Asked last where the folder is the home itself: Codex
 * writes config.toml by renaming, and it is that moment which has to be short there.
 */
async function isHeld({ disk }: Site, at: string, old: string): Promise<boolean> {
  const held = await disk.stat(old)
  return held === null || (await disk.stat(at))?.ino === held.ino
}

/**
 * Empties the place for what is displaced. A run that was cut off may have left something there; a second name
 * of the very file would make the coming rename do nothing, as POSIX has it.
 */
async function clear(site: Site, { path, from }: Displacing, old: string): Promise<void> {
  const held = await digestOf(site.disk, old)
  if (held === null) return
  if (!same(seenOf(site, held), from)) await backUp(site, [{ path, at: old, from: null }])
  await site.disk.unlink(old)
}

/** The volume has no hard links (FAT, some network shares), as against a missing permission. */
const isLinkless = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'disk-denied' && errnoOf(error) !== 'EACCES'

/** True when nothing was displaced but what was expected; else the displaced file is back, or in a backup. */
async function giveBack(work: Work, step: Displacing, old: string): Promise<boolean> {
  const { site } = work
  const { disk } = site
  const held = await digestOf(disk, old)
  if (held === null) return true
  const seen = seenOf(site, held)
  if (same(seen, step.from)) return true
  const at = inHome(site, step.path)
  try {
    const now = await look(site, step.path)
    if (now.kind === 'file' && now.hash === seen.hash) return false
    if (now.kind === 'absent' && (await put(work, old, step.path))) return false
    if (now.kind === 'file' && same(now, step.to) && (await isOurGround(work, step.path))) {
      await disk.rename(old, at)
      return false
    }
  } catch (error) {
    // Its place cannot be written: it goes where everything displaced goes.
    if (!(error instanceof Fault) || error.code === 'disk-io' || error.code === 'disk-full') throw error
  }
  await backUp(site, [{ path: step.path, at: old, from: null }])
  return false
}
