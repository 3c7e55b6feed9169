/**
 * What went wrong on the way to or from an address, in one sentence and one code.
 * Always holds: the sentence names host and port, and no system error passes through as it is.
 */
import { Fault } from '../../schemas/fault.ts'
import { formatAddress } from '../../schemas/link.ts'

type Place = { readonly host: string; readonly port: number }

/** The errno, or OpenSSL's or ws's own name, of a system error. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'

/** Why a connection could not be made, from the error of the socket. */
export function connectFault(error: unknown, { host, port }: Place): Fault {
  const errno = errorCode(error)
  const at = formatAddress(host, port)
  const facts = { host, port, errno }
  const fault = (code: 'unreachable' | 'timed-out' | 'not-a-master' | 'peer-refused', why: string) =>
    new Fault(code, why, facts, error)
  // Sent by `turnAway` (listen.ts) before TLS begins.
  if (errno === 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED')
    return fault(
      'peer-refused',
      `The master at ${at} does not accept connections from the address of this machine.`,
    )
  if (errno.startsWith('ERR_SSL_') || errno === 'EPROTO')
    return fault('not-a-master', `What answers at ${at} is not a stemma master.`)
  switch (errno) {
    case 'ECONNREFUSED':
      return fault('unreachable', `Nothing accepts connections at ${at}.`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return fault('unreachable', `The name ${host} (port ${port}) leads to no address.`)
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
      return fault('timed-out', `The master at ${at} did not answer in time.`)
    case 'ECONNRESET':
    case 'EPIPE':
      return fault('unreachable', `The master at ${at} broke off the connection.`)
    default:
      return fault('unreachable', `There is no way to ${at} from here (${errno}).`)
  }
}

/** Why an address could not be listened on. */
export function listenFault(error: unknown, { host, port }: Place): Fault {
  const errno = errorCode(error)
  const at = formatAddress(host, port)
  const facts = { host, port, errno }
  switch (errno) {
    case 'EADDRINUSE':
      return new Fault('port-in-use', `Another program already listens at ${at}.`, facts, error)
    case 'EACCES':
      return new Fault('port-denied', `This user may not listen at ${at}.`, facts, error)
    default:
      return new Fault('address-unavailable', `This machine cannot listen at ${at} (${errno}).`, facts, error)
  }
}
