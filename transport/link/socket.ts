/**
 * The one door to `ws`: WebSockets over channels that are already authenticated, with every limit set (T12).
 * Always holds: no compression, no redirects, no protocols; frames, fragments, pieces and headers are bounded.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { Fault } from '../../schemas/fault.ts'
import {
  chunksMax,
  closeTimeoutMs,
  fragmentsMax,
  frameBytesMax,
  headerBytesMax,
} from '../../schemas/limits.ts'
import type { Channel } from '../identity/tls.ts'

export type { WebSocket }

export const linkPath = '/link/v1'

const limits = {
  perMessageDeflate: false,
  // A pong is sent when the wire has room for it, not whenever somebody asks (`wire.ts`).
  autoPong: false,
  maxPayload: frameBytesMax,
  maxFragments: fragmentsMax,
  maxBufferedChunks: chunksMax,
  closeTimeout: closeTimeoutMs,
} as const

const server = new WebSocketServer({ ...limits, noServer: true, clientTracking: false })

/** Answers an upgrade request that was found good in all but its WebSocket headers; those `ws` judges. */
export function acceptSocket(
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  ready: (socket: WebSocket) => void,
): void {
  server.handleUpgrade(request, stream, head, ready)
}

/**
 * Asks for the upgrade over a channel whose pin was checked. `ready` runs before the first frame can arrive.
 * @throws Fault `revoked`, `unreachable` or `protocol`, by the answer; the signal's reason when it ends the wait.
 */
export function openSocket<T>(
  channel: Channel,
  signal: AbortSignal,
  ready: (socket: WebSocket) => T,
): Promise<T> {
  // The host in the URL only fills the Host header: nothing is looked up, the channel is the connection.
  const socket = new WebSocket(`ws://stemma${linkPath}`, {
    ...limits,
    maxHeaderSize: headerBytesMax,
    createConnection: () => channel.socket,
  })
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', aborted)
      reject(error)
      socket.terminate()
      channel.socket.destroy()
    }
    const aborted = () => fail(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    socket.on('unexpected-response', (_request, response) => fail(answerFault(response.statusCode ?? 0)))
    socket.on('error', (error) =>
      fail(new Fault('unreachable', 'The master broke off the connection before it was made.', {}, error)),
    )
    socket.once('open', () => {
      signal.removeEventListener('abort', aborted)
      socket.removeAllListeners()
      resolve(ready(socket))
    })
    if (signal.aborted) aborted()
  })
}

/** An empty 403 says no more than that; only a revoked machine gets it. */
function answerFault(status: number): Fault {
  const facts = { status }
  if (status === 403) return new Fault('revoked', 'The master refuses this machine.', facts)
  if (status === 503)
    return new Fault('unreachable', 'The master has too many connections at the moment.', facts)
  return new Fault('protocol', `The master answered the link request with ${status}.`, facts)
}
