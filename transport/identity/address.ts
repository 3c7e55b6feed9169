/**
 * IP addresses and ranges as numbers.
 * Always holds: an IPv4 address inside IPv6 (`::ffff:…`) is that IPv4 address, and a zone (`%eth0`) is no part of
 * an address (S16), so every address has one form before it is judged.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { type Refusal, refuse } from '../../schemas/fault.ts'

export type Address = { readonly family: 4 | 6; readonly bits: bigint }
/** Every address whose first `prefix` bits are those of `from`. */
export type Range = { readonly from: Address; readonly prefix: number }

/** The address that a text names; null when it names none. */
export function parseAddress(text: string): Address | null {
  const plain = text.replace(/%[^%/]*$/, '')
  if (isIPv4(plain)) return { family: 4, bits: bitsOf4(plain) }
  if (!isIPv6(plain)) return null
  const bits = bitsOf6(plain)
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits }
}

/** An address as a socket reports it, in its one form: for logs, and for counting by address. */
export function plainAddress(text: string): string {
  const address = parseAddress(text)
  if (address?.family !== 4) return text.replace(/%[^%]*$/, '')
  return [24n, 16n, 8n, 0n].map((shift) => (address.bits >> shift) & 0xffn).join('.')
}

/** `ADDRESS/BITS`, or an address alone for just that one. */
export function parseRange(text: string): Range | Refusal {
  const bad = (why: string) => refuse('usage', `"${shown(text)}" is not an address range: ${why}.`)
  const [base = '', digits, ...more] = text.trim().split('/')
  const from = parseAddress(base)
  if (from === null || base.includes('%') || more.length > 0)
    return bad('write it like 100.64.0.0/10, fd7a:115c:a1e0::/48 or 192.168.1.7')
  // A mapped range counts its bits from the IPv6 side.
  const mapped = from.family === 4 && base.includes(':') ? 96 : 0
  const width = from.family === 4 ? 32 : 128
  if (digits === undefined) return { from, prefix: width }
  const prefix = /^[0-9]{1,3}$/.test(digits) ? Number(digits) - mapped : -1
  if (prefix < 0 || prefix > width)
    return bad(`after the slash belongs a number from ${mapped} to ${mapped + width}`)
  const host = from.bits & ((1n << BigInt(width - prefix)) - 1n)
  if (host !== 0n) return bad(`the address has bits behind the first ${digits}; write where the range begins`)
  return { from, prefix }
}

export function inRange(address: Address, range: Range): boolean {
  if (address.family !== range.from.family) return false
  const free = BigInt((address.family === 4 ? 32 : 128) - range.prefix)
  return address.bits >> free === range.from.bits >> free
}

export const sameAddress = (a: Address, b: Address): boolean => a.family === b.family && a.bits === b.bits

const bitsOf4 = (text: string): bigint =>
  text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)

/** The caller knows that the text is IPv6, so at most one `::` and eight groups, the last two perhaps dotted. */
function bitsOf6(text: string): bigint {
  const groups = (part: string): bigint[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => {
          if (!group.includes('.')) return [BigInt(`0x${group}`)]
          const four = bitsOf4(group)
          return [four >> 16n, four & 0xffffn]
        })
  const [left = '', right = ''] = text.split('::')
  const front = groups(left)
  const back = groups(right)
  const gap = Array.from({ length: 8 - front.length - back.length }, () => 0n)
  return [...front, ...gap, ...back].reduce((sum, group) => (sum << 16n) | group, 0n)
}

/** What a person typed, short and without anything that moves a cursor. */
const shown = (text: string): string => text.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?')
