/** What `master serve` may be told, by hand or by the service that runs it. */
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { isHost } from '../../schemas/link.ts'
import { createPeerRules } from '../../transport/identity/peer.ts'
import { flag, texts, whole } from '../command.ts'

export const serveOptions = {
  host: texts('ADDRESS', 'address to listen on (default: all; may be repeated)'),
  port: whole('PORT', 65535, 'port to listen on; 0 takes a free one (default: 17342)'),
  allow: texts('CIDR', 'let peers in from outside the tailnet (may be repeated)'),
  deny: texts('CIDR', 'keep peers of the tailnet out (may be repeated)'),
  approve: flag('new followers wait for `stemma master approve`'),
}

type Ranges = { readonly allow: readonly string[]; readonly deny: readonly string[] }

/** A slip in an address range is answered before anything is done. */
export function mustBeRanges({ allow, deny }: Ranges): void {
  const rules = createPeerRules({ allow, deny })
  if (isRefusal(rules)) throw toFault(rules)
}

/** @param help the command that was given them. */
export function mustBeHosts(hosts: readonly string[], help: string): void {
  const odd = hosts.find((host) => !isHost(host))
  if (odd === undefined) return
  const why = /.:[0-9]+$/.test(odd)
    ? '--host takes an address without a port; the port goes into --port.'
    : '--host is neither an IP address nor a name.'
  throw new Fault('usage', why, { help })
}
