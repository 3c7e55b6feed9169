/** Can any follower reach a master that listens like this? The same words from `master serve` and from `doctor`. Pure. */

export type Door = {
  readonly hosts: readonly string[]
  /** Those of them that are on the tailnet. */
  readonly hostsOnTailnet: readonly string[]
  /** Address ranges beside the tailnet that are let in. */
  readonly allow: readonly string[]
  /** This machine's address on the tailnet. */
  readonly tailnet: string | null
}

/** Null where one may. */
export function outOfReach({ hosts, hostsOnTailnet, allow, tailnet }: Door) {
  if (allow.length > 0 || hostsOnTailnet.length > 0) return null
  const isEverywhere = hosts.some((host) => host === '0.0.0.0' || host === '::')
  if (isEverywhere && tailnet !== null) return null
  return {
    title: 'No follower can reach this master.',
    means: isEverywhere
      ? 'This machine has no address on a tailnet, and peers of no other network are let in.'
      : `It listens on ${hosts.join(' and ')} only, which is on no tailnet, and peers of no other network are let in.`,
    todo: 'Start Tailscale on this machine, or let another network in: `stemma master serve --allow CIDR`.',
  } as const
}
