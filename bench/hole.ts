/**
 * A master in a black hole: a port of loopback to which packets get lost, as behind a firewall that says nothing.
 * Linux drops whoever knocks while a listener's queue is full. So a process listens, never takes anybody in, and the
 * queue is filled from here.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { Scratch } from './scratch.ts'

const host = '127.0.0.1'
/** Linux takes in one more than it is told. */
const backlog = 1
/** What would be heard on loopback is heard long before. */
const answerMs = 200

/** Stops for good when it listens: the loop that would take connections in does not turn any more. */
const listener = `
require('node:net').createServer().listen({ host: '${host}', port: Number(process.argv[1]), backlog: ${backlog} }, () => {
  require('node:fs').writeSync(1, 'listening\\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

/** Why there can be no such port here, or null. */
export const holeAbsence = (): string | null =>
  process.platform === 'linux' ? null : 'how to lose packets is known for Linux only'

/** From then on until the end of the run nobody who connects to this free port hears anything. */
export async function digHole(scratch: Scratch, port: number): Promise<void> {
  const { stdout } = scratch.start(process.execPath, ['-e', listener, String(port)])
  if (!stdout) throw new Error('bug: a child without its pipes')
  await once(createInterface({ input: stdout }), 'line')
  for (let taken = 0; taken <= backlog; taken++) {
    const socket = connect({ host, port })
    // Its end comes with that of the listener.
    socket.on('error', () => undefined).unref()
    await once(socket, 'connect')
  }
  const late = connect({ host, port })
  const heard = await Promise.race([
    once(late, 'connect').then(
      () => true,
      () => true,
    ),
    once(AbortSignal.timeout(answerMs), 'abort').then(() => false),
  ])
  late.destroy()
  if (heard) throw new Error(`port ${port} answers, though its queue is full`)
}
