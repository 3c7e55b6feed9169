/** This machine's own address on the tailnet, read off its interfaces: `tailscale` itself may be absent. */
import { networkInterfaces } from 'node:os'
import { isOnTailnet } from './peer.ts'

/** The first tailnet address, IPv4 before IPv6; null when this machine is on no tailnet. */
export function tailnetAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const found = all.filter(({ address }) => isOnTailnet(address))
  return (found.find(({ family }) => family === 'IPv4') ?? found[0])?.address ?? null
}
