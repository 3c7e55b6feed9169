/** A follower's master: there, the same one, on the same time; and how the last sync went. */
import { codes, exitCodes } from '../../../schemas/code.ts'
import { clockApartMs } from '../../../schemas/limits-cli.ts'
import { duration } from '../../ui/amount.ts'
import type { LinkFacts } from '../facts.ts'
import { type Check, type Finding, fault, warning } from '../finding.ts'

export const master: Check = ({ link, nowMs, stored }) => {
  // A fork is told with its evidence.
  if (link === null || stored?.fork) return []
  const now = judgeAnswer(link)
  if (now !== null) return [now]
  const { trouble, answer } = link
  const isThere = answer !== null && 'dateMs' in answer
  // What was only not reached is reached now; anything else may come again at the next sync.
  if (trouble !== null && !(isThere && codes[trouble.code].exit === exitCodes.unreachable))
    return [
      fault('last-contact', {
        title: 'The last sync brought nothing.',
        means: trouble.message,
        todo: trouble.hint,
      }),
    ]
  return isThere ? judgeClock(answer.dateMs, nowMs) : []
}

function judgeAnswer({ answer, trouble }: LinkFacts): Finding | null {
  if (answer === null || 'dateMs' in answer) return null
  const { code, message, hint } = answer
  const words = { means: message, todo: hint }
  switch (code) {
    case 'pin-mismatch':
      return fault('master-replaced', {
        title: 'Another master answers than the one that is pinned.',
        ...words,
      })
    case 'revoked':
      return fault('revoked', {
        title: 'The master has revoked this machine.',
        means: 'It gets nothing more; what it has stays.',
        todo: hint,
      })
    case 'peer-refused':
      return fault('peer-refused', { title: 'The master lets nobody in from this address.', ...words })
    case 'unreachable':
    case 'timed-out':
      return fault('master-unreachable', { title: 'The master cannot be reached.', ...words })
    default:
      // It gives no head to who has not been let in.
      return trouble?.code === 'waiting'
        ? warning('waiting', {
            title: 'The master has not let this machine in yet.',
            means: trouble.message,
            todo: trouble.hint,
          })
        : fault('master-odd', { title: 'What answers is no master of this version.', ...words })
  }
}

function judgeClock(dateMs: number | null, nowMs: number): Finding[] {
  const apartMs = dateMs === null ? 0 : Math.abs(nowMs - dateMs)
  if (dateMs === null || apartMs <= clockApartMs) return []
  return [
    warning('clock-apart', {
      title: 'The clocks of the two machines are far apart.',
      means: `This one is ${duration(apartMs)} ${nowMs > dateMs ? 'ahead of' : 'behind'} the master. Nothing is lost by it, but times are told wrong, and logins end too early or too late.`,
      todo: 'Let both machines take the time from the network (NTP).',
    }),
  ]
}
