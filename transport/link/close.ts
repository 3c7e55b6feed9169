/**
 * How a wire's end travels: one WebSocket status of ours, and `code why` as its text.
 * Always holds: whatever the other side wrote becomes a code of the closed list and one harmless line; what one
 * machine has with its own disk or log is neither told to the other nor believed of it.
 */
import type { WireClose } from '../../engine/env/wire.ts'
import { type Code, isCode } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'

/** From the range that RFC 6455 leaves to applications. The code is in the text, so that it may grow. */
export const closeStatus = 4000
/** RFC 6455: a control frame holds 125 bytes, two of which are the status. */
const textBytesMax = 123

/** What concerns both sides. Any other code ends the link as `gone`: it would be acted upon on the wrong machine. */
const shared: ReadonlySet<string> = new Set<Code>([
  'bad-signature',
  'fork',
  'other-log',
  'peer-refused',
  'pin-mismatch',
  'protocol',
  'refused',
  'revoked',
  'rollback',
  'state-mismatch',
  'timed-out',
  'too-many',
  'unreachable',
  'upgrade-needed',
  'waiting',
])

/** How the fault that ended this side is told to the other one. */
export const closeOf = (error: unknown): WireClose =>
  error instanceof Fault && shared.has(error.code)
    ? { code: error.code, why: error.message }
    : { code: 'gone', why: 'The other side has trouble of its own.' }

/** The text of a close frame, cut at a whole character. */
export function closeText({ code, why }: WireClose): string {
  const whole = Buffer.from(`${code} ${why}`)
  if (whole.length <= textBytesMax) return whole.toString()
  let end = textBytesMax
  while (((whole[end] ?? 0) & 0xc0) === 0x80) end--
  return whole.subarray(0, end).toString()
}

/** What a close frame says; `status` alone decides where it was not written by us. */
export function readClose(status: number, text: string): WireClose {
  if (status === closeStatus) {
    const [code = '', ...rest] = text.split(' ')
    return readEnd(code, rest.join(' '))
  }
  switch (status) {
    // Protocol error, unacceptable data, not UTF-8, policy, too big: what `ws` answers to a frame beyond its limits.
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
      return { code: 'protocol', why: `The other side refused a frame (${status}).` }
    default:
      return { code: 'gone', why: 'The connection broke off.' }
  }
}

/** Code and reason as the other side gave them. */
export function readEnd(code: string, said: string): WireClose {
  const why = said.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
  if (code === 'gone') return { code, why }
  if (isCode(code) && shared.has(code)) return { code, why }
  return {
    code: 'gone',
    why: isCode(code)
      ? 'The other side has trouble of its own.'
      : 'The other side closed the connection for a reason that this version does not know.',
  }
}

/** The end of a wire, for whoever still wanted something of it. */
export const closeFault = ({ code, why }: WireClose): Fault =>
  new Fault(code === 'gone' ? 'unreachable' : code, why)
