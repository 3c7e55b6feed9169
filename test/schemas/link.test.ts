/** S17: links and addresses as people get them wrong: what is said names the slip. */
import { expect, test } from 'vitest'
import { isRefusal } from '../../schemas/fault.ts'
import { isHost, parseAddress, parseLink } from '../../schemas/link.ts'

const digits = '5'.repeat(64)

test.each([
  ['stemma://join?host=desk', 'it ends after its host; put it in quotes, or the shell cuts it at every `&`'],
  ['stemma://join', 'its host, port, fingerprint and v are missing'],
  ['stemma://join?host=desk&port=1', 'its fingerprint and v are missing'],
  [`stemma://join?host=desk&port=1&fingerprint=${digits}`, 'its v is missing'],
  [
    `stemma://join?host=10.0.0.1%3A1&port=1&fingerprint=${digits}&v=1`,
    'its host is neither an IP address nor a name',
  ],
])('S17: %s', (text, why) => {
  expect(parseLink(text)).toMatchObject({ refused: 'bad-link', why: `That is not a stemma link: ${why}.` })
})

test('S17: a host is a name or an address, without a port', () => {
  for (const host of [
    'desk',
    'desk.example.ts.net',
    '10.0.0.1',
    '::',
    '::1',
    'fd7a:115c:a1e0::1',
    'fe80::1%eth0',
  ])
    expect(isHost(host), host).toBe(true)
  for (const host of ['10.0.0.1:18000', 'beef:18000', ':80', '1:2', '[::1]', '[::1]:80', 'desk:80', '::1::2'])
    expect(isHost(host), host).toBe(false)
  for (const master of ['wss://10.0.0.1:18000:17342', 'wss://[10.0.0.1:80]', 'wss://[10.0.0.1:18000]:17342'])
    expect(isRefusal(parseAddress(master, digits)), master).toBe(true)
  expect(parseAddress('wss://[::1]:18000', digits)).toMatchObject({ host: '::1', port: 18000 })
})
