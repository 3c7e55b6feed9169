/**
 * The asking end: one request to the process that owns a stemma folder.
 * Always holds: "nobody lives there" is only said when the system refused the connection, never because
 * an answer was slow or odd.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { type ControlRequest, type ControlResponse, controlResponse } from '../../schemas/control.ts'
import { Fault } from '../../schemas/fault.ts'
import { controlAnswerBytesMax, controlTimeoutMs, lockClaimMs, lockPauseMs } from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import { readLine } from './line.ts'
import { checkPlace, findPlace, isClaim } from './place.ts'

export type Asked =
  | { readonly kind: 'answered'; readonly response: ControlResponse }
  /** The system refused: no process has this socket. */
  | { readonly kind: 'dead' }
  /** It closed the connection without a word: it is ending, or has too many clients. */
  | { readonly kind: 'vanished' }
  /** Somebody is there, and did not answer as stemma does. */
  | { readonly kind: 'mute'; readonly why: string }

export async function askSocket(
  path: string,
  request: ControlRequest,
  clock: Clock,
  timeoutMs: number,
): Promise<Asked> {
  const socket = connect(path)
  const refused = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    socket.once('connect', () => resolve(null)).once('error', resolve)
  })
  if (refused) {
    return refused.code === 'ECONNREFUSED' || refused.code === 'ENOENT'
      ? { kind: 'dead' }
      : { kind: 'mute', why: refused.code ?? refused.message }
  }
  // From here on an error ends in `close`, which the reader sees.
  socket.on('error', () => socket.destroy())
  try {
    const answer = readLine(socket, clock, { bytesMax: controlAnswerBytesMax, timeoutMs })
    socket.write(`${JSON.stringify(request)}\n`)
    const got = await answer
    if ('fault' in got) return got.fault === 'gone' ? { kind: 'vanished' } : { kind: 'mute', why: got.fault }
    return read(got.line)
  } finally {
    socket.destroy()
  }
}

function read(line: string): Asked {
  try {
    const checked = v.safeParse(controlResponse, JSON.parse(line))
    if (checked.success) return { kind: 'answered', response: checked.output }
  } catch {
    // Not JSON: an answer, but none of ours.
  }
  return { kind: 'mute', why: 'its answer is none that this version of stemma knows' }
}

export type Asking = {
  readonly disk: Disk
  readonly clock: Clock
  /** Null where users have no number (Windows). */
  readonly uid: number | null
  /** How long the answer may take; a rebuild of a large home takes longer than a status. */
  readonly timeoutMs?: number
  readonly signal: AbortSignal
}

/**
 * @returns the owner's answer, or null when nobody owns the folder.
 * @throws Fault `timed-out` when somebody does, and gives none.
 */
export async function askOwner(
  home: string,
  request: ControlRequest,
  { disk, clock, uid, timeoutMs = controlTimeoutMs, signal }: Asking,
): Promise<ControlResponse | null> {
  const until = clock.monotonic() + lockClaimMs
  for (;;) {
    signal.throwIfAborted()
    const place = await findPlace(disk, home, uid)
    if (place === null) return null
    if (place.kind === 'folder' && !(await checkPlace(disk, place.folder, uid))) return null
    const sockets =
      place.kind === 'pipe'
        ? [place.pipe]
        : ((await disk.list(place.folder)) ?? [])
            .filter((entry) => isClaim(entry.name))
            .map((entry) => join(place.folder, entry.name))
    let living = 0
    let why = 'it is still starting'
    for (const path of sockets) {
      const asked = await askSocket(path, request, clock, timeoutMs)
      if (asked.kind === 'dead') continue
      living++
      if (asked.kind === 'answered' && !isClaiming(asked.response)) return asked.response
      if (asked.kind === 'mute') why = asked.why
    }
    if (living === 0) return null
    // It is about to own the folder, or about to leave it: both take moments.
    if (clock.monotonic() >= until || why === 'slow')
      throw new Fault('timed-out', 'The stemma process that owns this folder does not answer.', { home, why })
    await clock.wait(lockPauseMs, signal)
  }
}

/** A process that has not decided yet refuses everything but `who`. */
export const claimingFacts = { state: 'claiming' } as const
const isClaiming = (response: ControlResponse): boolean =>
  'error' in response
    ? response.error.facts['state'] === claimingFacts.state
    : typeof response.ok === 'object' && response.ok !== null && 'state' in response.ok
      ? response.ok.state === claimingFacts.state
      : false
