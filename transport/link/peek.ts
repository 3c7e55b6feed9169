/**
 * The smallest question to a master: its newest signed head, over a pinned channel and one HTTP request, without a
 * WebSocket and without msgpack.
 * Always holds: the answer is bounded and comes from who holds the pinned key; its signature is the caller's to check.
 */
import { Fault } from '../../schemas/fault.ts'
import { peekBytesMax } from '../../schemas/limits.ts'
import { signedHeadBytes } from '../../schemas/signable.ts'
import { type ConnectOptions, connectPinned } from '../identity/tls.ts'

export const headPath = '/head/v1'
const request = `GET ${headPath} HTTP/1.1\r\nHost: stemma\r\nConnection: close\r\n\r\n`

/** The bytes of the newest head. Faults: those of `connectPinned`, `revoked`, `protocol`, or the signal's reason. */
export async function peekHead(to: ConnectOptions): Promise<Buffer> {
  const { socket } = await connectPinned(to)
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const pieces: Buffer[] = []
      let bytes = 0
      const aborted = () => reject(to.signal?.reason)
      to.signal?.addEventListener('abort', aborted, { once: true })
      socket.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (bytes > peekBytesMax) reject(new Fault('protocol', 'The master answered more than was asked.'))
        pieces.push(piece)
      })
      socket.once('end', () => resolve(Buffer.concat(pieces)))
      socket.once('close', () => reject(new Fault('unreachable', 'The master broke off its answer.')))
      socket.write(request)
    })
    return bodyOf(answer)
  } finally {
    socket.destroy()
  }
}

function bodyOf(answer: Buffer): Buffer {
  const end = answer.indexOf('\r\n\r\n')
  const status = /^HTTP\/1\.1 ([0-9]{3}) /.exec(answer.subarray(0, Math.max(0, end)).toString('latin1'))?.[1]
  if (status === '403') throw new Fault('revoked', 'The master has revoked this machine.')
  const body = answer.subarray(end + 4)
  if (status !== '200' || body.length !== signedHeadBytes)
    throw new Fault('protocol', 'The master gave no signed head.')
  return body
}
