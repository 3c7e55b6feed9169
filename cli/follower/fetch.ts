/**
 * One contact with the master: connect, check the pin, take what is new, hang up.
 */

import { dropAway } from '../../engine/away.ts'
import type { Head } from '../../engine/log/head.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Link } from '../../schemas/link.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import { connectWire } from '../../transport/link/connect.ts'
import { pull } from '../../transport/link/pull.ts'
import { machineName, thisPlatform } from '../name.ts'
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
        : new Fault('timed-out', `The sync took longer than ${options.timeoutMs} ms.`),
    ),
  )
  const signal = AbortSignal.any([context.signal, late.signal])
  try {
    const wire = await connectWire({
      host: link.host,
      port: link.port,
      pin: link.fingerprint,
      identity: mintIdentity(follower.keys.node),
      clock,
      timeoutMs: options.timeoutMs,
      signal,
    })
    await pull(
      wire,
      {
        follower,
        clock,
        pin: link.fingerprint,
        name: options.name ?? machineName(desk.settings, desk.local),
        platform: thisPlatform(),
        waiting: () => {
          if (!waits && !context.json)
            context.err.flow(
              0,
              'Waiting for `stemma master approve` on the master (this machine: ',
              follower.id.slice(0, 12),
              ').',
            )
          waits = true
        },
        greeted: async (head: Head) => {
          await options.trusted?.()
          await dropAway(desk.disk, context.homes.stemmaHome)
          await desk.note({ contactMs: clock.now(), masterSeq: head.seq })
        },
      },
      signal,
    )
  } finally {
    cancel()
  }
  return { fromSeq, toSeq: follower.head?.seq ?? 0 }
}
