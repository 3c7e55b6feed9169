/**
 * The answering end of a control socket: reads one request, checks it, hands it on, answers, closes.
 * Always holds: nothing reaches `answer` that the schema did not admit; a client can neither hold a place
 * longer than the time-out nor make the owner keep more than one line of it.
 */
import type { Server, Socket } from 'node:net'
import type { Clock } from '../../engine/env/clock.ts'
import { type ControlRequest, type ControlResponse, controlRequest } from '../../schemas/control.ts'
import { Fault, unreachable } from '../../schemas/fault.ts'
import {
  controlAnswerBytesMax,
  controlClientsMax,
  controlLineBytesMax,
  controlTimeoutMs,
} from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import { type Line, readLine } from './line.ts'

export type Door = {
  /** Lets go of clients that have not asked yet, and waits until the others have their answers. */
  close(): Promise<void>
}

/** @param answer never rejects for what a client did: a rejection is a bug, and reaches `onBug`. */
export function openDoor(
  server: Server,
  clock: Clock,
  answer: (request: ControlRequest) => Promise<ControlResponse>,
  onBug: (error: unknown) => void,
): Door {
  const waiting = new Set<Socket>()
  const answering = new Set<Promise<void>>()
  server.maxConnections = controlClientsMax

  const serve = async (socket: Socket): Promise<void> => {
    waiting.add(socket)
    const asked = await readLine(socket, clock, {
      bytesMax: controlLineBytesMax,
      timeoutMs: controlTimeoutMs,
    })
    waiting.delete(socket)
    const request = parse(asked)
    const response = 'error' in request ? request : await answer(request)
    // A client that does not fetch its answer loses its place.
    const cancel = clock.after(controlTimeoutMs, () => socket.destroy())
    await new Promise<void>((done) => {
      socket.once('close', () => done())
      socket.end(`${bounded(JSON.stringify(response))}\n`)
      if (socket.destroyed) done()
    })
    cancel()
  }

  server.on('connection', (socket) => {
    // A client that goes away is no fault of ours: its close ends the exchange.
    socket.on('error', () => socket.destroy())
    const served = serve(socket).catch((error) => {
      socket.destroy()
      onBug(error)
    })
    answering.add(served)
    void served.then(() => answering.delete(served))
  })

  return {
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()))
      for (const socket of waiting) socket.destroy()
      await Promise.all(answering)
      await closed
    },
  }
}

function parse(asked: Line): ControlRequest | Extract<ControlResponse, { error: unknown }> {
  if ('fault' in asked) return malformed(whyNot(asked.fault))
  let value: unknown
  try {
    value = JSON.parse(asked.line)
  } catch {
    return malformed('is not JSON')
  }
  const checked = v.safeParse(controlRequest, value)
  return checked.success ? checked.output : malformed('is none that this version of stemma knows')
}

function whyNot(fault: Extract<Line, { fault: unknown }>['fault']): string {
  switch (fault) {
    case 'gone':
    case 'cut':
      return 'ended before its line did'
    case 'slow':
      return `did not arrive within ${controlTimeoutMs / 1000} s`
    case 'long':
      return `is longer than ${controlLineBytesMax} bytes`
    case 'more':
      return 'has more than one line'
    default:
      return unreachable(fault)
  }
}

const malformed = (why: string) => toError(new Fault('protocol', `The request ${why}.`))

export const toError = (fault: Fault) => ({
  error: { code: fault.code, message: fault.message, facts: fault.facts },
})

const bounded = (text: string): string =>
  Buffer.byteLength(text) <= controlAnswerBytesMax
    ? text
    : JSON.stringify(
        toError(
          new Fault('too-many', `The answer is longer than ${controlAnswerBytesMax} bytes.`, {
            bytesMax: controlAnswerBytesMax,
          }),
        ),
      )
