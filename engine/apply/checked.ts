/**
 * Small files of our own that must not be believed when damaged: one line with a name and the SHA-256 of what
 * follows, then JSON. Always holds: what `parseChecked` returns is byte for byte what `formatChecked` was given.
 */
import { Fault } from '../../schemas/fault.ts'
import { sha256Hex } from '../crypto/hash.ts'

export function formatChecked(name: string, value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value))
  return Buffer.concat([Buffer.from(`${name} ${sha256Hex(body)}\n`), body])
}

/** The JSON value, not yet of a checked shape. Fault `ledger-damaged`, naming `path`, for anything altered. */
export function parseChecked(name: string, content: Buffer, path: string): unknown {
  const end = content.indexOf(0x0a)
  const body = content.subarray(end + 1)
  if (content.subarray(0, Math.max(end, 0)).toString('latin1') !== `${name} ${sha256Hex(body)}`)
    throw damaged(path)
  return JSON.parse(body.toString())
}

export const damaged = (path: string): Fault =>
  new Fault('ledger-damaged', `${path} is damaged: its content does not match its own checksum or form.`, {
    path,
  })
