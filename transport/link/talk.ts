/**
 * Messages over a Wire: encoded, decoded and checked at this door, both ways.
 */
import { decode, encode } from '../../engine/codec/msgpack.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { type Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import type { v } from '../../schemas/shape.ts'
import type { Down, Up } from '../../schemas/wire/index.ts'
import { closeFault, readEnd } from './close.ts'

export const say = (wire: Wire, message: Up | Down): Promise<void> => wire.send(encode(message))

/** The next message, of the given union; null when the wire was closed in good order. Faults otherwise. */
export async function hear<S extends v.GenericSchema<unknown, Up | Down>>(
  wire: Wire,
  shape: S,
  signal?: AbortSignal,
): Promise<v.InferOutput<S> | null> {
  const frame = await wire.receive(signal)
  if (frame === null) {
    const end = await wire.closed
    if (end.code === 'gone') return null
    throw closeFault(end)
  }
  const message = decode(frame, shape, 'A message')
  if (isRefusal(message)) throw toFault(message)
  return message
}

/** The fault that the other side ended the talk with. */
export const farewell = (bye: { code: string; why: string }): Fault => closeFault(readEnd(bye.code, bye.why))
