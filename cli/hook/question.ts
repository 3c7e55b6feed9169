/**
 * The one question to a master that is there: is your newest head another than mine?
 * Always holds: the answer counts only when the pinned key gave it. Its signature is not looked at: a head that is
 * ours was verified when it was stored, and any other leads to a sync, which verifies all.
 */
import type { Card } from '../../engine/card.ts'
import type { Disk } from '../../engine/disk/disk.ts'
import type { Clock } from '../../engine/env/clock.ts'
import { loadNodePem } from '../../engine/keys/keys.ts'
import { readHead } from '../../engine/log/head.ts'
import { isRefusal } from '../../schemas/fault.ts'
import type { Dialled } from '../../transport/identity/dial.ts'
import { peekHead } from '../../transport/link/peek.ts'

export async function hasNews(of: {
  readonly disk: Disk
  readonly clock: Clock
  readonly stemmaHome: string
  readonly card: Card
  readonly socket: Dialled
  /** For the handshake, and for the answer after it. */
  readonly timeoutMs: number
  readonly answerMs: number
}): Promise<boolean> {
  const { disk, clock, stemmaHome, card, socket, timeoutMs, answerMs } = of
  const identity = { keyPem: await loadNodePem(disk, stemmaHome), certPem: card.cert }
  const { host, port, fingerprint: pin } = card
  const head = readHead(await peekHead({ host, port, pin, identity, clock, timeoutMs, socket, answerMs }))
  return isRefusal(head) || head.seq !== card.seq || head.entry.toString('hex') !== card.entry
}
