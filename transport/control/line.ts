/**
 * Reads the one line that a control connection carries in each direction.
 * Always holds: never more than `bytesMax` in memory, never longer than `timeoutMs`, and nothing after the line.
 */
import type { Socket } from 'node:net'
import type { Clock } from '../../engine/env/clock.ts'

export type Line =
  | { readonly line: string }
  /** `gone`: the other end closed or reset before it had said anything. */
  | { readonly fault: 'gone' | 'cut' | 'slow' | 'long' | 'more' }

export function readLine(
  socket: Socket,
  clock: Clock,
  limits: { readonly bytesMax: number; readonly timeoutMs: number },
): Promise<Line> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    let size = 0
    const settle = (result: Line) => {
      cancel()
      socket.off('data', take).off('end', ended).off('close', ended)
      // What still comes is discarded, so that the connection can end.
      socket.resume()
      resolve(result)
    }
    const take = (part: Buffer) => {
      const end = part.indexOf(0x0a)
      if (size + (end === -1 ? part.length : end) > limits.bytesMax) return settle({ fault: 'long' })
      if (end === -1) {
        parts.push(part)
        size += part.length
        return
      }
      if (end !== part.length - 1) return settle({ fault: 'more' })
      parts.push(part.subarray(0, end))
      settle({ line: Buffer.concat(parts).toString('utf8') })
    }
    const ended = () => settle({ fault: size === 0 ? 'gone' : 'cut' })
    const cancel = clock.after(limits.timeoutMs, () => settle({ fault: 'slow' }))
    socket.on('data', take).on('end', ended).on('close', ended)
  })
}
