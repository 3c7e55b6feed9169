/**
 * The listening end of a claim: first it only says who it is, then, as owner, it answers requests.
 * Always holds: while it listens every `who` is answered; a request is never taken before the folder is owned.
 */
import { createServer } from 'node:net'
import type { Clock } from '../../engine/env/clock.ts'
import type { ControlRequest, ControlResponse, ControlWho } from '../../schemas/control.ts'
import { Fault } from '../../schemas/fault.ts'
import { claimingFacts } from './ask.ts'
import { openDoor, toError } from './door.ts'

/** Answers one request with plain JSON. A `Fault` becomes the client's error; anything else is a bug. */
export type Handler = (request: Exclude<ControlRequest, { cmd: 'who' }>) => Promise<unknown>

export type End = {
  /** The claim is won. */
  own(): void
  /** Settles with the close; rejects with what makes going on impossible (`fail`). */
  serve(handler: Handler): Promise<void>
  /** What owns the folder can no longer be trusted to: a bug in a handler, or the socket was taken away. */
  fail(error: unknown): void
  close(): Promise<void>
}

export type Self = { readonly clock: Clock; readonly pid: number; readonly what: string }

/** @throws the system's error (`code` EADDRINUSE, EACCES, …) when the path cannot be bound. */
export async function listen(self: Self, path: string): Promise<End> {
  let state: ControlWho['state'] = 'claiming'
  let handler: Handler | null = null
  let failure: { readonly error: unknown } | null = null
  let settle: (failure: { readonly error: unknown } | null) => void = () => {}

  const fail = (error: unknown) => {
    failure ??= { error }
    settle(failure)
  }

  const answer = async (request: ControlRequest): Promise<ControlResponse> => {
    if (request.cmd === 'who') return { ok: { state, pid: self.pid, what: self.what } satisfies ControlWho }
    if (state === 'claiming')
      return toError(new Fault('locked', 'That process is only starting.', claimingFacts))
    if (!handler)
      return toError(
        new Fault(
          'locked',
          `\`${self.what}\` (pid ${self.pid}) is using this folder and takes no commands.`,
          {
            pid: self.pid,
            what: self.what,
          },
        ),
      )
    try {
      return { ok: (await handler(request)) ?? null }
    } catch (error) {
      if (error instanceof Fault) return toError(error)
      fail(error)
      return { error: { code: 'bug', message: `\`${self.what}\` hit a bug and stops.`, facts: {} } }
    }
  }

  // A client may end its side after asking (`nc -U` does) and still gets its answer.
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const door = openDoor(server, self.clock, answer, fail)
  server.on('error', fail)

  return {
    own() {
      state = 'owner'
    },
    serve(next) {
      handler = next
      return new Promise((resolve, reject) => {
        settle = (end) => (end ? reject(end.error) : resolve())
        if (failure) settle(failure)
      })
    },
    fail,
    async close() {
      await door.close()
      settle(null)
    },
  }
}
