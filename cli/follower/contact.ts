/**
 * How the last contact with the master went, for `status`: what went wrong, since when, and what to do.
 * Always holds: it is of the master that is followed, at its address; a contact that went well clears it.
 */
import { lastAway } from '../../engine/away.ts'
import { troubled } from '../../engine/contact.ts'
import { type Code, codes, exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Link } from '../../schemas/link.ts'
import type { Context } from '../context.ts'
import { ago } from '../ui/amount.ts'
import { type Piece, red, yellow } from '../ui/paint.ts'
import { type FollowerDesk, linkOf } from './desk.ts'

/** Remembers why a contact with the master that this machine follows brought nothing. */
export async function noteTrouble(desk: FollowerDesk, link: Link, error: unknown): Promise<void> {
  if (!(error instanceof Fault) || error.code === 'interrupted' || !desk.local) return
  const own = linkOf(desk.local)
  if (own.fingerprint !== link.fingerprint || own.host !== link.host || own.port !== link.port) return
  const trouble = troubled(desk.contact.trouble, error, desk.context.clock.now())
  try {
    await desk.note({ trouble })
  } catch (failure) {
    // A full disk: the first trouble is the one to tell.
    if (!(failure instanceof Fault)) throw failure
  }
}

/** As `--json` has it; times are ISO 8601. */
export type TroubleReport = {
  readonly code: Code
  /** The master was there, and was not believed (exit code 4). */
  readonly refused: boolean
  readonly message: string
  readonly hint: string
  readonly since: string
  readonly last: string
}

/** Null when the last contact went well. The hook asks, too, and where it reaches nobody it leaves a mark. */
export async function troubleOf({
  disk,
  context,
  contact,
}: Pick<FollowerDesk, 'disk' | 'context' | 'contact'>): Promise<TroubleReport | null> {
  const { clock, homes } = context
  const awayMs = await lastAway(disk, clock, homes.stemmaHome)
  const isAway = awayMs !== null && awayMs > Math.max(contact.contactMs, contact.trouble?.lastMs ?? 0)
  const told = contact.trouble
  if (told === null && !isAway) return null
  const code = told?.code ?? 'unreachable'
  const sinceMs = told?.sinceMs ?? awayMs ?? 0
  const lastMs = isAway ? (awayMs ?? 0) : (told?.lastMs ?? 0)
  return {
    code,
    refused: codes[code].exit === exitCodes.trust,
    message: told?.why ?? 'The session hook could not reach the master.',
    hint: codes[code].hint,
    since: new Date(sinceMs).toISOString(),
    last: new Date(lastMs).toISOString(),
  }
}

export function tellContact({ out, clock }: Context, trouble: TroubleReport | null): void {
  if (trouble === null) return
  const nowMs = clock.now()
  const { message, hint, since, last } = trouble
  const first = since === last ? '' : `, for the first time ${ago(Date.parse(since), nowMs)}`
  out.flow(0, headOf(trouble), ` (${ago(Date.parse(last), nowMs)}${first}):`)
  out.flow(2, message)
  out.flow(2, hint)
}

function headOf({ refused, code }: TroubleReport): Piece {
  if (refused) return red('The last sync was refused')
  if (code === 'waiting') return yellow('The master has not let this machine in')
  return codes[code].exit === exitCodes.unreachable
    ? yellow('The master was not reached')
    : red('The last sync failed')
}
