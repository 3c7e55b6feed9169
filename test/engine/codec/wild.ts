/**
 * A second msgpack of its own: a writer that can lie, and a plain recursive reader that says what bytes mean.
 * Written from the msgpack specification alone, so that the product's codec is held against something else.
 */

/** Bytes from hex, spaces allowed. */
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
export const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts)
const wide = (lead: number, width: number, value: number): Buffer => {
  const out = Buffer.alloc(1 + width)
  out[0] = lead
  out.writeUIntBE(value, 1, width)
  return out
}
/** Headers with the count that is claimed, true or not. */
export const arrayOf = (count: number): Buffer =>
  count < 16 ? Buffer.of(0x90 | count) : wide(0xdc, 2, count)
export const mapOf = (count: number): Buffer => (count < 16 ? Buffer.of(0x80 | count) : wide(0xde, 2, count))
export const array32 = (count: number): Buffer => wide(0xdd, 4, count)
export const map32 = (count: number): Buffer => wide(0xdf, 4, count)
export const bin = (bytes: Uint8Array, claimed = bytes.length): Buffer => join(wide(0xc4, 1, claimed), bytes)
export const bin32 = (bytes: Uint8Array, claimed = bytes.length): Buffer =>
  join(wide(0xc6, 4, claimed), bytes)
export const str = (text: string | Uint8Array, claimed?: number): Buffer => {
  const bytes = Buffer.from(text)
  const length = claimed ?? bytes.length
  return join(length < 32 ? Buffer.of(0xa0 | length) : wide(0xda, 2, length), bytes)
}

/** What bytes hold. `null` when they are no single value of the dialect that stemma speaks. */
export type Value = null | boolean | number | string | Buffer | Value[] | { [key: string]: Value }
export function readValue(bytes: Buffer, depthMax: number): { readonly value: Value } | null {
  let at = 0
  const bad = new Error('bad')
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw bad
    at += length
    return bytes.subarray(at - length, at)
  }
  const uint = (width: number): number => take(width).readUIntBE(0, width)
  const text = (length: number): string => {
    const raw = take(length)
    const value = raw.toString('utf8')
    if (!Buffer.from(value).equals(raw) || value.startsWith('\ufeff')) throw bad
    return value
  }
  const list = (length: number, depth: number): Value[] => {
    const out: Value[] = []
    for (let i = 0; i < length; i++) out.push(read(depth + 1))
    return out
  }
  const table = (length: number, depth: number): Value => {
    const pairs = new Map<string, Value>()
    for (let i = 0; i < length; i++) {
      const key = read(depth + 1)
      if (typeof key !== 'string' || pairs.has(key) || Buffer.byteLength(key) > 64) throw bad
      pairs.set(key, read(depth + 1))
    }
    if (length > 32) throw bad
    return Object.fromEntries(pairs)
  }
  function read(depth: number): Value {
    const lead = uint(1)
    const opens =
      (lead >= 0x81 && lead <= 0x8f) || (lead >= 0x91 && lead <= 0x9f) || (lead >= 0xdc && lead <= 0xdf)
    if (opens && depth >= depthMax) {
      // An empty one opens nothing.
      const size = lead < 0xa0 ? 1 : bytes.readUIntBE(at, lead % 2 === 0 ? 2 : 4)
      if (size > 0) throw bad
    }
    if (lead < 0x80) return lead
    if (lead < 0x90) return table(lead & 15, depth)
    if (lead < 0xa0) return list(lead & 15, depth)
    if (lead < 0xc0) return text(lead & 31)
    if (lead >= 0xe0) return lead - 256
    switch (lead) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return take(uint(1))
      case 0xc5:
        return take(uint(2))
      case 0xc6:
        return take(uint(4))
      case 0xcb:
        return take(8).readDoubleBE()
      case 0xcc:
        return uint(1)
      case 0xcd:
        return uint(2)
      case 0xce:
        return uint(4)
      case 0xcf:
        return Number(take(8).readBigUInt64BE())
      case 0xd0:
        return take(1).readInt8()
      case 0xd1:
        return take(2).readInt16BE()
      case 0xd2:
        return take(4).readInt32BE()
      case 0xd3:
        return Number(take(8).readBigInt64BE())
      case 0xd9:
        return text(uint(1))
      case 0xda:
        return text(uint(2))
      case 0xdb:
        return text(uint(4))
      case 0xdc:
        return list(uint(2), depth)
      case 0xdd:
        return list(uint(4), depth)
      case 0xde:
        return table(uint(2), depth)
      case 0xdf:
        return table(uint(4), depth)
      default:
        throw bad
    }
  }
  try {
    const value = read(0)
    return at === bytes.length ? { value } : null
  } catch (error) {
    if (error === bad || error instanceof RangeError) return null
    throw error
  }
}
