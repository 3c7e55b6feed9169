/**
 * The one place where msgpackr is imported. Encodes plain data; decodes only what the scan let pass.
 * Binary values come out as views of the input: copy what must outlive it.
 */
import { Packr } from 'msgpackr/pack'
import { type Refusal, refuse } from '../../schemas/fault.ts'
import { v } from '../../schemas/shape.ts'
import { scanFault } from './scan.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' })

/** msgpack bytes of plain data: maps with text keys, arrays, text, binary, whole numbers, booleans, null. */
export const encode = (value: unknown): Buffer => packr.pack(value)

/** Plain data out of bytes from outside, of the given shape; a refusal says what is wrong without showing content. */
export function decode<S extends v.GenericSchema>(
  bytes: Uint8Array,
  shape: S,
  what: string,
): v.InferOutput<S> | Refusal {
  const fault = scanFault(bytes)
  if (fault) return refuse('protocol', `${what} cannot be read: ${fault}.`)
  return check(packr.unpack(bytes), shape, what)
}

/** Checks plain data against a shape. The reason names the place, never the value, nor a field that is not ours. */
export function check<S extends v.GenericSchema>(
  value: unknown,
  shape: S,
  what: string,
): v.InferOutput<S> | Refusal {
  const result = v.safeParse(shape, value, { abortEarly: true, abortPipeEarly: true })
  if (result.success) return result.output
  const issue = result.issues[0]
  if (issue.expected === 'never') return refuse('protocol', `${what} has a field that is not known.`)
  const place = v.getDotPath(issue)
  return refuse('protocol', `${what} has a wrong shape${place ? ` at ${place}` : ''}.`)
}
