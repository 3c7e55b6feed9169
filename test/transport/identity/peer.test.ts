import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRefusal } from '../../../schemas/fault.ts'
import { inRange, parseAddress, parseRange } from '../../../transport/identity/address.ts'
import { createPeerRules, judge } from '../../../transport/identity/peer.ts'

const rules = (allow: string[] = [], deny: string[] = []) => {
  const made = createPeerRules({ allow, deny })
  if (isRefusal(made)) throw new Error(made.why)
  return made
}
const v4 = '100.64.0.1'
const v6 = 'fd7a:115c:a1e0::1'

test.each([
  // local, remote, allow, deny, passes
  [v4, '100.64.0.2', [], [], true],
  [v4, '100.127.255.255', [], [], true],
  [v4, '100.63.255.255', [], [], false],
  [v4, '100.128.0.0', [], [], false],
  [v6, 'fd7a:115c:a1e0::2', [], [], true],
  [v6, 'fd7a:115c:a1e0:ffff:ffff:ffff:ffff:ffff', [], [], true],
  [v6, 'fd7a:115c:a1e1::2', [], [], false],
  ['::ffff:100.64.0.1', '::ffff:100.64.0.2', [], [], true],
  ['::ffff:6440:1', '::FFFF:6440:2', [], [], true],
  ['::ffff:100.64.0.1', '100.64.0.2', [], [], true],
  // One end alone is no tailnet: somebody routes such addresses over another network.
  ['192.168.1.5', '100.64.0.2', [], [], false],
  [v4, '192.168.1.5', [], [], false],
  [v6, 'fe80::1%eth0', [], [], false],
  ['fe80::2%eth0', 'fe80::1%eth0', ['fe80::/10'], [], true],
  // Loopback and this machine's own addresses.
  ['127.0.0.1', '127.0.0.1', [], [], false],
  ['::1', '::1', [], [], false],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', [], [], false],
  [v4, v4, [], [], false],
  [v6, 'fd7a:115c:a1e0:0::1', [], [], false],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', ['127.0.0.0/8'], [], true],
  ['127.0.0.1', '127.0.0.1', ['::ffff:127.0.0.0/104'], [], true],
  ['::1', '::1', ['127.0.0.0/8'], [], false],
  ['::1', '::1', ['::1'], [], true],
  [v4, v4, ['100.64.0.1/32'], [], true],
  ['192.168.1.5', '192.168.1.9', ['192.168.1.0/24'], [], true],
  ['192.168.1.5', '192.168.2.9', ['192.168.1.0/24'], [], false],
  ['203.0.113.1', '198.51.100.7', ['0.0.0.0/0'], [], true],
  // `--deny` narrows, and wins.
  [v4, '100.64.0.2', [], ['100.64.0.2'], false],
  [v4, '100.64.0.3', [], ['100.64.0.2'], true],
  [v4, '100.64.0.2', ['100.64.0.0/10'], ['100.64.0.0/24'], false],
  [v4, '::ffff:100.64.0.2', [], ['100.64.0.2'], false],
  [v6, 'fd7a:115c:a1e0::2%tailscale0', [], ['fd7a:115c:a1e0::2'], false],
  // What is no address is nobody.
  [v4, 'nonsense', ['0.0.0.0/0', '::/0'], [], false],
  [v4, '', ['0.0.0.0/0', '::/0'], [], false],
  [v4, undefined, ['0.0.0.0/0', '::/0'], [], false],
  [undefined, '100.64.0.2', [], [], false],
])('S15: %s from %s, allow %j, deny %j: %s', (local, remote, allow, deny, passes) => {
  const verdict = judge(rules(allow, deny), local, remote)
  expect(verdict === null).toBe(passes)
  if (verdict) expect(verdict).toMatchObject({ refused: 'peer-refused' })
})

test.each([
  '',
  ' ',
  'tailnet',
  '100.64.0.0/',
  '100.64.0.0/33',
  '100.64.0.0/-1',
  '100.64.0.0/1e1',
  '100.64.0.0/10/10',
  '100.64.0.1/10',
  '100.64.0/10',
  '100.064.0.0/10',
  '0x64.0.0.0/8',
  'fd7a::/129',
  'fd7a::1/48',
  'fd7a::%eth0/48',
  '::ffff:127.0.0.0/95',
  '1.2.3.4\u0000',
  '\u202e4.3.2.1',
])('S15: the range %j is refused in one sentence', (text) => {
  const made = createPeerRules({ allow: ['10.0.0.0/8'], deny: [text] })
  expect(made).toMatchObject({ refused: 'usage' })
  if (isRefusal(made)) expect(made.why).toMatch(/^"[\x20-\x7e]*" is not an address range: [^\n]+\.$/)
})

test('S16: every way to write an IPv6 address gives the same number', () => {
  const group = fc.integer({ min: 0, max: 0xffff })
  fc.assert(
    fc.property(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.nat(7),
      fc.nat(8),
      (groups, from, length) => {
        const zeroed = groups.map((g, at) => (at >= from && at < from + length ? 0 : g))
        const long = zeroed.map((g) => g.toString(16)).join(':')
        const head = zeroed
          .slice(0, from)
          .map((g) => g.toString(16).padStart(4, '0'))
          .join(':')
        const tail = zeroed
          .slice(from + length)
          .map((g) => g.toString(16).toUpperCase())
          .join(':')
        const short = length > 0 ? `${head}::${tail}` : long
        expect(isIP(short)).toBe(6)
        expect(parseAddress(short)).toEqual(parseAddress(long))
        expect(parseAddress(`${short}%eth0`)).toEqual(parseAddress(long))
      },
    ),
  )
})

test('S16: an address is in the range that it begins, whatever the width', () => {
  for (let prefix = 0; prefix <= 128; prefix++) {
    const range = parseRange(`::/${prefix}`)
    if (isRefusal(range)) throw new Error(range.why)
    const last = { family: 6 as const, bits: (1n << BigInt(128 - prefix)) - 1n }
    expect(inRange(last, range)).toBe(true)
    if (prefix > 0) expect(inRange({ family: 6, bits: last.bits + 1n }, range)).toBe(false)
  }
})
