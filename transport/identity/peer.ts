/**
 * Who may connect at all, by the two ends of a socket (S15, S16). Pure.
 * Always holds: `deny` wins; `allow` names remote addresses and nothing else widens; without it only peers on the
 * tailnet pass, when both ends are in its ranges and are not one and the same machine.
 */
import { assert, isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { type Address, inRange, parseAddress, parseRange, type Range, sameAddress } from './address.ts'

export type PeerRules = {
  readonly allow: readonly Range[]
  readonly deny: readonly Range[]
}

const range = (text: string): Range => {
  const parsed = parseRange(text)
  assert(!isRefusal(parsed), 'the ranges of the tailnet are well formed')
  return parsed
}
/** Where Tailscale hands out addresses: the carrier-grade NAT range, and its own private IPv6 range. */
const tailnet = [range('100.64.0.0/10'), range('fd7a:115c:a1e0::/48')]

/** Rules from the texts of `--allow` and `--deny`, or the first text that makes no sense. */
export function createPeerRules(texts: {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}): PeerRules | Refusal {
  const rules = { allow: [] as Range[], deny: [] as Range[] }
  for (const kind of ['allow', 'deny'] as const) {
    for (const text of texts[kind]) {
      const parsed = parseRange(text)
      if (isRefusal(parsed)) return parsed
      rules[kind].push(parsed)
    }
  }
  return rules
}

/** Null when the peer may connect. Addresses are as the socket reports them. */
export function judge(
  rules: PeerRules,
  localAddress: string | undefined,
  remoteAddress: string | undefined,
): Refusal | null {
  const remote = parseAddress(remoteAddress ?? '')
  const local = parseAddress(localAddress ?? '')
  const no = (why: string) =>
    refuse('peer-refused', `A connection from ${remoteAddress ?? 'nowhere'} was refused: ${why}.`)
  if (remote === null || local === null) return no('its address is not known')
  if (within(remote, rules.deny)) return no('--deny names it')
  if (within(remote, rules.allow)) return null
  if (sameAddress(local, remote)) return no('it comes from this machine itself, and --allow does not name it')
  if (!within(remote, tailnet)) return no('it is not on the tailnet, and --allow does not name it')
  if (!within(local, tailnet)) return no('it did not come over the tailnet, and --allow does not name it')
  return null
}

const within = (address: Address, ranges: readonly Range[]): boolean =>
  ranges.some((candidate) => inRange(address, candidate))

/**
 * What strangers are counted by. Off the tailnet a machine may have the last 64 bits of an IPv6 address as it likes,
 * so those are left out; on it each machine is given one address.
 */
export function sourceOf(text: string): string {
  const address = parseAddress(text)
  if (address?.family !== 6 || within(address, tailnet)) return text
  return `${(address.bits >> 64n).toString(16)}::/64`
}

export function isOnTailnet(text: string): boolean {
  const address = parseAddress(text)
  return address !== null && within(address, tailnet)
}
