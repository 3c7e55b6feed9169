/** A follower's master: asked the hook's one question, now. */
import { loadContact } from '../../../engine/contact.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { loadFollowerKeys } from '../../../engine/keys/keys.ts'
import { doctorDialMs } from '../../../schemas/limits-cli.ts'
import type { FollowerLocal } from '../../../schemas/settings.ts'
import { mintIdentity } from '../../../transport/identity/cert.ts'
import { peek } from '../../../transport/link/peek.ts'
import type { Context } from '../../context.ts'
import { troubleOf } from '../../follower/contact.ts'
import { linkOf } from '../../follower/desk.ts'
import type { LinkFacts } from '../facts.ts'
import { attempt } from './attempt.ts'

export async function lookAtLink(context: Context, disk: Disk, local: FollowerLocal): Promise<LinkFacts> {
  const { clock, homes, signal } = context
  const { host, port, fingerprint } = linkOf(local)
  const { got: trouble } = await attempt(async () =>
    troubleOf({ disk, context, contact: await loadContact(disk, homes.stemmaHome) }),
  )
  const keys = await attempt(() => loadFollowerKeys(disk, homes.stemmaHome))
  if (keys.got === null) return { answer: null, trouble }
  const identity = mintIdentity(keys.got.node)
  const limits = { timeoutMs: doctorDialMs, answerMs: doctorDialMs }
  const { got, told } = await attempt(() =>
    peek({ host, port, pin: fingerprint, identity, clock, signal, ...limits }),
  )
  return { answer: got === null ? told : { dateMs: got.dateMs }, trouble }
}
