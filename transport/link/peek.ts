/**
 * The smallest question to a master: its newest signed head, over a pinned channel and one HTTP request, without a
 * WebSocket and without msgpack.
 * Always holds: the answer is bounded in size and time and comes from who holds the pinned key; its signature is the
 * caller's to check.
 */
import type { TLSSocket } from 'node:tls'
import { Fault } from '../../schemas/fault.ts'
import { peekBytesMax } from '../../schemas/limits.ts'
import { signedHeadBytes } from '../../schemas/signable.ts'
import { type ConnectOptions, connectPinned } from '../identity/tls.ts'

export const headPath = '/head/v1'
const request = `GET ${headPath} HTTP/1.1\r\nHost: stemma\r\nConnection: close\r\n\r\n`

export type PeekOptions = ConnectOptions & {
  /** From the end of the handshake to the end of the answer. */
  readonly answerMs: number
}

export type Peeked = {
  readonly head: Buffer
  /** The clock of the master, to the second; null when it does not say. */
  readonly dateMs: number | null
}

/** The bytes of the newest head. Faults: those of `connectPinned`, `revoked`, `protocol`, `timed-out`, `unreachable`. */
export async function peekHead(to: PeekOptions): Promise<Buffer> {
  return (await peek(to)).head
}

/** The same, and what time it is there. */
export async function peek(to: PeekOptions): Promise<Peeked> {
  const { socket } = await connectPinned(to)
  try {
    const answer = await answerOf(socket, to)
    return { head: bodyOf(answer), dateMs: dateOf(answer) }
  } finally {
    socket.destroy()
  }
}

const headEnd = '\r\n\r\n'

/** All that comes until the head is whole or the master ends. */
function answerOf(socket: TLSSocket, { clock, answerMs }: PeekOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer: Buffer = Buffer.alloc(0)
    const cancel = clock.after(answerMs, () =>
      reject(new Fault('timed-out', 'The master did not answer in time.')),
    )
    const end = () => {
      cancel()
      if (answer.includes(headEnd)) resolve(answer)
      else reject(new Fault('unreachable', 'The master broke off its answer.'))
    }
    socket.on('data', (piece: Buffer) => {
      answer = Buffer.concat([answer, piece])
      if (answer.length > peekBytesMax)
        reject(new Fault('protocol', 'The master answered more than was asked.'))
      const head = answer.indexOf(headEnd)
      if (head >= 0 && answer.length >= head + headEnd.length + signedHeadBytes) end()
    })
    socket.once('end', end)
    socket.once('close', end)
    socket.write(request)
  })
}

function bodyOf(answer: Buffer): Buffer {
  const end = answer.indexOf(headEnd)
  const status = /^HTTP\/1\.1 ([0-9]{3}) /.exec(answer.subarray(0, Math.max(0, end)).toString('latin1'))?.[1]
  if (status === '403') throw new Fault('revoked', 'The master has revoked this machine.')
  const body = answer.subarray(end + headEnd.length)
  if (status !== '200' || body.length !== signedHeadBytes)
    throw new Fault('protocol', 'The master gave no signed head.')
  return body
}

function dateOf(answer: Buffer): number | null {
  const text = answer.subarray(0, answer.indexOf(headEnd)).toString('latin1')
  const dateMs = Date.parse(/\r\ndate: ([^\r]+)/i.exec(text)?.[1] ?? '')
  return Number.isNaN(dateMs) ? null : dateMs
}
