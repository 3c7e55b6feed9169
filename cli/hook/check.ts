/**
 * What the session hook does before Codex goes on: asks whether there is anything new, and has it fetched.
 * Always holds: it says nothing, never fails, and ends within its budget whatever the master does (S51); what takes
 * longer goes on in a process of its own.
 */
import { type Card, loadCard, saveCard } from '../../engine/card.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import type { Ids } from '../../engine/env/ids.ts'
import { loadFollowerKeys } from '../../engine/keys/keys.ts'
import { readHead, signatureFault } from '../../engine/log/head.ts'
import { Fault, isRefusal } from '../../schemas/fault.ts'
import { hookAwayMs, hookCheckMs, hookConnectMs } from '../../schemas/limits.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import { peekHead } from '../../transport/link/peek.ts'

export type HookWorld = {
  readonly disk: Disk
  readonly clock: Clock
  readonly ids: Ids
  readonly stemmaHome: string
}
/** `sync`: something may be new; `nothing`: the home is fresh, or the master is away. */
export type Need = 'sync' | 'nothing'

export async function checkForNews(world: HookWorld): Promise<Need> {
  const { disk, clock, ids, stemmaHome } = world
  const card = await loadCard(disk, stemmaHome)
  if (card === null) return 'sync'
  if (clock.now() < card.awayUntilMs && card.awayUntilMs - clock.now() <= hookAwayMs) return 'nothing'
  try {
    return (await isNewer(world, card)) || !card.applied ? 'sync' : 'nothing'
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'unreachable' || error.code === 'timed-out')
      await saveCard(disk, ids, stemmaHome, { ...card, awayUntilMs: clock.now() + hookAwayMs })
    // A master that is away is asked again later; one that is not trusted is left to `sync` to report.
    return 'nothing'
  }
}

async function isNewer({ disk, clock, stemmaHome }: HookWorld, card: Card): Promise<boolean> {
  const keys = await loadFollowerKeys(disk, stemmaHome)
  const late = new AbortController()
  const cancel = clock.after(hookCheckMs, () =>
    late.abort(new Fault('timed-out', `The master did not answer within ${hookCheckMs} ms.`)),
  )
  try {
    const bytes = await peekHead({
      host: card.host,
      port: card.port,
      pin: card.fingerprint,
      identity: mintIdentity(keys.node),
      clock,
      timeoutMs: hookConnectMs,
      signal: late.signal,
    })
    const head = readHead(bytes)
    if (isRefusal(head)) return true
    const known = { logId: Buffer.from(card.logId, 'hex'), logKey: Buffer.from(card.logKey, 'hex') }
    // Signed by another key, or older: a sync finds out what that means.
    if (signatureFault(head, known)) return true
    return head.seq !== card.seq || head.entry.toString('hex') !== card.entry
  } finally {
    cancel()
  }
}
