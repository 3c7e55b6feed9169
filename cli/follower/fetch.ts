/**
 * One contact with the master: connect, check the pin, take what is new, hang up.
 */

import { dropAway } from '../../engine/away.ts'
import type { Head } from '../../engine/log/head.ts'
import { Fault } from '../../schemas/fault.ts'
import { watchDialMs, watchHelloMs, watchPingMs, watchRedialMs } from '../../schemas/limits.ts'
import type { Link } from '../../schemas/link.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import { redial } from '../../transport/identity/redial.ts'
import { connectWire } from '../../transport/link/connect.ts'
import { follow, type PullContext, pull } from '../../transport/link/pull.ts'
import { machineName, thisPlatform } from '../name.ts'
import { duration } from '../ui/amount.ts'
import { noteTrouble } from './contact.ts'
import type { FollowerDesk } from './desk.ts'

export type Fetched = { readonly fromSeq: number; readonly toSeq: number }
export type FetchOptions = {
  readonly timeoutMs: number
  /** What this machine wants to be called, where that is new. */
  readonly name?: string
  /** The master has proved itself; called before anything of its log is stored. */
  readonly trusted?: () => Promise<void>
}

/** Faults: trust codes (4), `unreachable`, `timed-out` and `waiting` (5), disk and log codes. */
export async function fetchNew(desk: FollowerDesk, link: Link, options: FetchOptions): Promise<Fetched> {
  try {
    const fetched = await visit(desk, link, options)
    if (desk.contact.trouble !== null) await desk.note({ trouble: null })
    return fetched
  } catch (error) {
    await noteTrouble(desk, link, error)
    throw error
  }
}

/**
 * Takes what is new as it comes, until the link ends: throws the fault that says how, or the reason of `signal`.
 * @param setOut ends the way there, as long as there is no link; aborted with `signal` too.
 * @param level all that the master has is stored: at first, and after every change.
 */
export async function followNew(
  desk: FollowerDesk,
  link: Link,
  signal: AbortSignal,
  setOut: AbortSignal,
  level: () => Promise<void>,
): Promise<void> {
  const socket = await redial({
    ...{ host: link.host, port: link.port, clock: desk.context.clock, signal: setOut },
    ...{ timeoutMs: watchDialMs, everyMs: watchRedialMs },
  })
  // A certificate costs more than a connect that is refused: it is made for a master that is there.
  const wire = await connectWire({
    ...wayTo(desk, link),
    ...{ socket, signal: setOut, timeoutMs: watchHelloMs, beat: watchBeat },
  })
  await follow(wire, { ...talkerOf(desk, link, {}), level }, signal)
}

/** A way that is lost without a word is noticed soon, and another one is looked for. */
const watchBeat = { everyMs: watchPingMs, missedMax: 1 }

const wayTo = ({ follower, context }: FollowerDesk, { host, port, fingerprint }: Link) => ({
  host,
  port,
  pin: fingerprint,
  identity: mintIdentity(follower.keys.node),
  clock: context.clock,
})

/** What this machine says of itself, and what it notes of the master. */
function talkerOf(
  desk: FollowerDesk,
  link: Link,
  { name, trusted, waiting = () => {} }: Partial<FetchOptions> & { readonly waiting?: () => void },
): PullContext {
  const { context, follower } = desk
  const { clock } = context
  let waits = false
  return {
    follower,
    clock,
    pin: link.fingerprint,
    name: name ?? machineName(desk.settings, desk.local),
    platform: thisPlatform(),
    progress: context.progress.tell,
    waiting: () => {
      if (!waits && !context.json)
        context.err.flow(
          0,
          'Waiting for `stemma master approve` on the master (this machine: ',
          follower.id.slice(0, 12),
          ').',
        )
      waits = true
      waiting()
    },
    greeted: async (head: Head) => {
      await trusted?.()
      await dropAway(desk.disk, context.homes.stemmaHome)
      await desk.note({ contactMs: clock.now(), masterSeq: head.seq })
    },
  }
}

async function visit(desk: FollowerDesk, link: Link, options: FetchOptions): Promise<Fetched> {
  const { context, follower } = desk
  const { clock } = context
  const fromSeq = follower.head?.seq ?? 0
  let waits = false
  const late = new AbortController()
  const cancel = clock.after(options.timeoutMs, () =>
    late.abort(
      waits
        ? new Fault('waiting', 'This machine waits for approval at the master.')
        : new Fault('timed-out', `The sync took longer than ${duration(options.timeoutMs)}.`),
    ),
  )
  const signal = AbortSignal.any([context.signal, late.signal])
  try {
    const wire = await connectWire({ ...wayTo(desk, link), timeoutMs: options.timeoutMs, signal })
    const waiting = () => {
      waits = true
    }
    await pull(wire, talkerOf(desk, link, { ...options, waiting }), signal)
  } finally {
    cancel()
  }
  return { fromSeq, toSeq: follower.head?.seq ?? 0 }
}
