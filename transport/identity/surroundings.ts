/**
 * Notices what no socket tells: that this machine slept, or that its addresses changed. Node reports neither, so it
 * looks once in `surroundingsEveryMs`, which costs some microseconds.
 * Always holds: a change is told once; addresses that mean no way to anywhere (loopback, link-local) are none.
 */
import { networkInterfaces } from 'node:os'
import type { Clock } from '../../engine/env/clock.ts'
import { sleptMs, surroundingsEveryMs } from '../../schemas/limits.ts'

/** `slept`: connections may be dead without a sign. `lost`: so may those of the address. `found`: a new way may be there. */
export type Change = 'slept' | 'lost' | 'found'

/** Calls back after every change. Returns the way to stop. */
export function watchSurroundings(
  clock: Clock,
  onChange: (change: Change) => void,
  look: () => ReadonlySet<string> = ownAddresses,
): () => void {
  let cancel = () => {}
  let addresses = look()
  const arm = () => {
    const [wallMs, stepMs] = [clock.now(), clock.monotonic()]
    cancel = clock.after(surroundingsEveryMs, () => {
      const before = addresses
      addresses = look()
      const passedMs = Math.max(clock.now() - wallMs, clock.monotonic() - stepMs)
      arm()
      const change = judge(passedMs, before, addresses)
      if (change !== null) onChange(change)
    })
  }
  arm()
  return () => cancel()
}

/** @param passedMs since the look before this one, by whichever clock went on while the machine slept. Pure. */
export function judge(
  passedMs: number,
  before: ReadonlySet<string>,
  now: ReadonlySet<string>,
): Change | null {
  if (passedMs > surroundingsEveryMs + sleptMs) return 'slept'
  if ([...before].some((address) => !now.has(address))) return 'lost'
  return [...now].some((address) => !before.has(address)) ? 'found' : null
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return new Set(
    all.filter((one) => !one.internal && !isLinkLocal(one.address)).map(({ address }) => address),
  )
}

const isLinkLocal = (address: string): boolean => /^(fe80:|169\.254\.)/i.test(address)
