/**
 * What the tests of the engine start from: seeded keys, one draft of every event, and logs on a simulated disk.
 * Always holds: the same arguments give the same bytes.
 */
import { isPublicKey, sign } from '../../engine/crypto/ed25519.ts'
import { sha256 } from '../../engine/crypto/hash.ts'
import { encodeEntry } from '../../engine/fold/entry.ts'
import type { KeyHistory } from '../../engine/fold/keys.ts'
import { State } from '../../engine/fold/state.ts'
import { prevOf, step } from '../../engine/fold/step.ts'
import { followerId, type SigningKey, signingKey } from '../../engine/keys/keys.ts'
import { signHead } from '../../engine/log/head.ts'
import { Log } from '../../engine/log/log.ts'
import type { LogPlace } from '../../engine/log/open.ts'
import type { Event } from '../../schemas/event/index.ts'
import { assert, isRefusal, type Refusal } from '../../schemas/fault.ts'
import { type HomePath, isHomePath } from '../../schemas/path.ts'
import { charterBytes, type KeyRole, recoverBytes, rotateBytes } from '../../schemas/signable.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'

export const startMs = 1_700_000_000_000

/** A signing key of its own for every number. */
export const keyOf = (n: number): SigningKey => signingKey(sha256(Buffer.from(`key ${n}`)))
export const logId = Buffer.from(Array.from({ length: 16 }, (_, i) => i + 1))
export const keys = { log: keyOf(1), node: keyOf(2), recovery: keyOf(3) }
export type Trio = { readonly log: SigningKey; readonly node: SigningKey; readonly recovery: SigningKey }

export function charter(trio: Trio = keys, id: Buffer = logId): Event & { type: 'log.chartered' } {
  const fields = {
    logId: id,
    logKey: trio.log.public,
    nodeKey: trio.node.public,
    recoveryKey: trio.recovery.public,
    foldVersion: 1,
  }
  const signed = charterBytes(fields)
  return {
    type: 'log.chartered',
    body: { ...fields, byLog: sign(trio.log.private, signed), byNode: sign(trio.node.private, signed) },
  }
}

export function home(path: string): HomePath {
  assert(isHomePath(path), `${path} is a safe path`)
  return path
}
export const put = (path: string, text = path, exec = false): Event => ({
  type: 'file.put',
  body: { path: home(path), exec, size: Buffer.byteLength(text), blob: sha256(Buffer.from(text)) },
})
export const removed = (path: string): Event => ({ type: 'file.removed', body: { path: home(path) } })
export const secretPut = (path: string, content = 1): Event => ({
  type: 'secret.put',
  body: { path: home(path), exec: false, content: Buffer.alloc(16, content) },
})
export const secretRemoved = (path: string): Event => ({ type: 'secret.removed', body: { path: home(path) } })
export const selection = (include: string[], exclude: string[] = []): Event => ({
  type: 'selection.changed',
  body: { include, exclude, links: [{ path: home('skills/linked'), target: '/srv/skills' }] },
})
/** Follower keys begin far from those of the log. */
const followerKey = (n: number): SigningKey => keyOf(1000 + n)
export const idOf = (n: number) => followerId(followerKey(n).public)
export const enrolled = (n: number): Event & { type: 'follower.enrolled' } => ({
  type: 'follower.enrolled',
  body: { node: followerKey(n).public, seal: Buffer.alloc(32, n), name: `machine ${n}`, platform: 'linux' },
})
const idBytes = (n: number): Buffer => Buffer.from(idOf(n), 'hex')
export const revoked = (n: number): Event => ({ type: 'follower.revoked', body: { follower: idBytes(n) } })
export const approval = (approve: boolean): Event => ({ type: 'enrolment.changed', body: { approve } })
export const epochStarted = (epoch: number): Event => ({ type: 'epoch.started', body: { epoch } })
export const epochGranted = (epoch: number, n: number): Event => ({
  type: 'epoch.granted',
  body: { epoch, follower: idBytes(n), sealed: Buffer.alloc(80, epoch) },
})

type Turn = {
  readonly role?: KeyRole
  /** Who signs; by default the right ones. */
  readonly by?: SigningKey
  readonly byNew?: SigningKey
  readonly index?: number
}
/** A rotation from `old` to `next`, or, with `by: recovery` below, a recovery. */
function turn(history: KeyHistory | null, old: SigningKey, next: SigningKey, how: Turn) {
  assert(history, 'a rotation needs a log')
  const role = how.role ?? 'log'
  return {
    role,
    key: next.public,
    fields: {
      logId: history.logId,
      index: how.index ?? history.rotations + 1,
      role,
      oldKey: old.public,
      newKey: next.public,
    },
  }
}
export function rotated(
  history: KeyHistory | null,
  old: SigningKey,
  next: SigningKey,
  how: Turn = {},
): Event & { type: 'key.rotated' } {
  const { role, key, fields } = turn(history, old, next, how)
  const bytes = rotateBytes(fields)
  const byOld = sign((how.by ?? old).private, bytes)
  return { type: 'key.rotated', body: { role, key, byOld, byNew: sign((how.byNew ?? next).private, bytes) } }
}
export function recovered(
  history: KeyHistory | null,
  old: SigningKey,
  next: SigningKey,
  how: Turn = {},
): Event & { type: 'key.recovered' } {
  const { role, key, fields } = turn(history, old, next, how)
  const bytes = recoverBytes(fields)
  const byRecovery = sign((how.by ?? keys.recovery).private, bytes)
  return {
    type: 'key.recovered',
    body: { role, key, byRecovery, byNew: sign((how.byNew ?? next).private, bytes) },
  }
}

/** The payload of the entry that comes next. */
export const payloadOf = (state: State, event: Event, timeMs = state.at.timeMs): Buffer =>
  encodeEntry(state.at.seq + 1, prevOf(state, event), timeMs, event)

/** Folds one fact; a refusal comes back. */
export function fold(state: State, event: Event, timeMs?: number): Refusal | null {
  const done = step(state, payloadOf(state, event, timeMs))
  return isRefusal(done) ? done : null
}
/** A state after its charter and these facts, each of which must be accepted. */
export function stateOf(...events: readonly Event[]): State {
  const state = new State()
  for (const event of [charter(), ...events]) {
    const refusal = fold(state, event, startMs)
    assert(refusal === null, `a fixture is accepted: ${refusal?.why}`)
  }
  return state
}

/** Batches as they would be sent: entries, each batch with its head; `state` moves on. */
export function signedRun(state: State, batches: readonly (readonly Event[])[], logKey = keys.log): Buffer[] {
  return batches.flatMap((events) => {
    const payloads = events.map((event) => {
      const payload = payloadOf(state, event)
      assert(!isRefusal(step(state, payload)), 'a run of the fixture is accepted')
      return payload
    })
    assert(state.keys, 'a run has its charter behind it')
    return [...payloads, signHead(state, state.keys, state.at.timeMs, logKey.private).bytes]
  })
}

/** All that a state is told apart by. */
export const mark = (state: State): string =>
  `${state.at.seq} ${state.at.timeMs} ${state.stateHash().toString('hex')} ${state.revision().toString('hex')} ${state.keys?.rotations}`

export const placeOn = (disk: LogPlace['disk'], seed = 1, dir = '/stemma/log'): LogPlace => ({
  disk,
  ids: new SimIds(seed),
  dir,
})
export function newDisk(options: ConstructorParameters<typeof SimDisk>[0] = {}): SimDisk {
  const disk = new SimDisk(options)
  disk.plantFolder('/stemma')
  return disk
}
/** A log with its charter and these batches. */
export async function newLog(place: LogPlace, batches: readonly (readonly Event[])[] = []): Promise<Log> {
  const log = await Log.create(place, [charter()], startMs, keys.log.private)
  for (const [i, events] of batches.entries()) await log.append(events, startMs + i + 1, keys.log.private)
  return log
}
/** Every payload that a log gives. */
export async function payloadsOf(log: Log, from = 1): Promise<Buffer[]> {
  const out: Buffer[] = []
  for await (const run of log.records(from)) out.push(...run)
  return out
}

assert(isPublicKey(keys.log.public), 'fixture keys are keys')
