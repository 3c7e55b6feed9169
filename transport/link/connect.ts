/**
 * The follower's way to its master: TLS, the pin, the upgrade, and then a wire.
 * Always holds: nothing is left open when it fails, and it fails with a code (`connectPinned`, `openSocket`).
 */
import type { Wire } from '../../engine/env/wire.ts'
import { Fault } from '../../schemas/fault.ts'
import { formatAddress } from '../../schemas/link.ts'
import { type ConnectOptions, connectPinned } from '../identity/tls.ts'
import { openSocket } from './socket.ts'
import { type Beat, SocketWire } from './wire.ts'

/** `timeoutMs` is for all of it together. */
export async function connectWire(to: ConnectOptions & { readonly beat?: Beat }): Promise<Wire> {
  const startMs = to.clock.monotonic()
  const channel = await connectPinned(to)
  const place = { host: to.host, port: to.port }
  const giveUp = new AbortController()
  const leftMs = Math.max(0, to.timeoutMs - (to.clock.monotonic() - startMs))
  const cancel = to.clock.after(leftMs, () =>
    giveUp.abort(
      new Fault(
        'timed-out',
        `The master at ${formatAddress(to.host, to.port)} did not answer in time.`,
        place,
      ),
    ),
  )
  const signal = to.signal ? AbortSignal.any([to.signal, giveUp.signal]) : giveUp.signal
  try {
    return await openSocket(channel, signal, (socket) => new SocketWire(socket, channel, to.clock, to.beat))
  } finally {
    cancel()
  }
}
