/**
 * The link that a master hands out: `stemma://join?host=…&port=…&fingerprint=…&v=1`.
 * It holds an address and a fingerprint, nothing secret (S17).
 */
import { type Refusal, refuse } from './fault.ts'
import { type Hash, isHash } from './hash.ts'

export type Link = { readonly host: string; readonly port: number; readonly fingerprint: Hash }
const linkBytesMax = 1024
const hostForm =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]{1,32})?)$/

/** An IP address or a DNS name, without brackets. With a colon it is an IPv6 address: `192.168.1.5:18000` is neither. */
export const isHost = (host: string): boolean =>
  host.length <= 253 &&
  hostForm.test(host) &&
  (!host.includes(':') || URL.canParse(`wss://[${host.replace(/%.*$/, '')}]`))
export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535

export function formatLink(link: Link): string {
  const query = new URLSearchParams({
    host: link.host,
    port: String(link.port),
    fingerprint: link.fingerprint,
    v: '1',
  })
  return `stemma://join?${query}`
}

/** `host:port` as it stands in a URL: an IPv6 address in brackets. */
export const formatAddress = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

export function parseLink(text: string): Link | Refusal {
  const bad = (why: string) => refuse('bad-link', `That is not a stemma link: ${why}.`)
  if (text.length > linkBytesMax) return bad('it is too long')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return bad('it is not a URL')
  }
  if (url.protocol !== 'stemma:' || url.host !== 'join') return bad('it does not begin with stemma://join')
  // What a shell leaves of a link without quotes.
  if ([...url.searchParams.keys()].join() === 'host')
    return bad('it ends after its host; put it in quotes, or the shell cuts it at every `&`')
  const known = new Set(['host', 'port', 'fingerprint', 'v'])
  for (const key of url.searchParams.keys()) {
    if (!known.delete(key)) return bad(`it has an unknown or repeated part`)
  }
  if (known.size > 0) return bad(missing([...known]))
  if (url.searchParams.get('v') !== '1') return bad('it was made by a newer stemma')
  return parseParts(
    url.searchParams.get('host') ?? '',
    url.searchParams.get('port') ?? '',
    url.searchParams.get('fingerprint') ?? '',
  )
}

const missing = (parts: readonly string[]): string =>
  `its ${parts.join(', ').replace(/, (?=[^,]*$)/, ' and ')} ${parts.length === 1 ? 'is' : 'are'} missing`

/** The long form: `--master wss://HOST:PORT --fingerprint FP`. */
export function parseAddress(master: string, fingerprint: string): Link | Refusal {
  let url: URL
  try {
    url = new URL(master.includes('://') ? master : `wss://${master}`)
  } catch {
    return refuse('bad-link', 'The address of the master is not of the form wss://HOST:PORT.')
  }
  if (
    url.protocol !== 'wss:' ||
    url.username ||
    url.password ||
    url.search ||
    url.hash ||
    !/^\/?$/.test(url.pathname)
  )
    return refuse('bad-link', 'The address of the master is not of the form wss://HOST:PORT.')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // `wss:` hides its default port, 443, which must be honoured when it was written.
  return parseParts(host, url.port || (/:443\/?$/.test(master) ? '443' : '17342'), fingerprint)
}

function parseParts(host: string, port: string, fingerprint: string): Link | Refusal {
  const bad = (why: string) => refuse('bad-link', `That is not a stemma link: ${why}.`)
  if (!isHost(host)) return bad('its host is neither an IP address nor a name')
  if (!/^[0-9]{1,5}$/.test(port) || !isPort(Number(port))) return bad('its port is not between 1 and 65535')
  const digits = fingerprint.toLowerCase()
  if (!isHash(digits)) return bad('its fingerprint is not 64 hex digits')
  return { host, port: Number(port), fingerprint: digits }
}
