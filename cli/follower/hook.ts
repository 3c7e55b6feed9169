/**
 * Is our hook installed, and will Codex really run it (S53)?
 */

import { type Hook, readHooksFile } from '../../engine/codex/hook.ts'
import { type TrustStatus, trustStatus } from '../../engine/codex/trust.ts'
import { approvalsOf, hooksFileOf } from '../../engine/compose/approvals.ts'
import { splitApproved } from '../../engine/compose/approved.ts'
import { isOwnCommand } from '../../engine/compose/hooks.ts'
import { configPath, hooksPath, textOf } from '../../engine/compose/kind.ts'
import { readFile } from '../../engine/disk/save.ts'
import { readSound } from '../../engine/merge/judge.ts'
import { openSecrets } from '../../engine/secrets/reader.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import type { Context } from '../context.ts'
import { thisPlatform } from '../name.ts'
import { counted } from '../ui/amount.ts'
import { yellow } from '../ui/paint.ts'
import type { FollowerDesk } from './desk.ts'

type Skipped = {
  readonly hook: string
  readonly why: Exclude<TrustStatus, 'trusted'>
  /** Canonical, or of this machine alone; null where the canonical ones are not known. */
  readonly origin: 'master' | 'local' | null
}
export type HookStatus = {
  readonly installed: boolean
  readonly trusted: boolean
  /** The file at fault and what is wrong with it, or what Codex makes of the hook. */
  readonly why: string | null
  /** Other hooks of hooks.json that Codex will skip, by their place: a command may hold secrets. */
  readonly skipped: readonly Skipped[]
}

export async function hookStatus(desk: FollowerDesk): Promise<HookStatus> {
  const { disk, context } = desk
  const { codexHome } = context.homes
  const text = await readFile(disk, `${codexHome}/${hooksPath}`, secretBytesMax)
  const { hooks, fault } = readHooksFile(text?.toString() ?? '{}', thisPlatform())
  if (fault !== null) return { installed: false, trusted: false, why: `${hooksPath}: ${fault}`, skipped: [] }
  const installed = hooks.some(isOwn)
  const config = (await readFile(disk, `${codexHome}/${configPath}`, secretBytesMax))?.toString() ?? ''
  const read = readSound(config)
  // Where Codex does not start, what it would make of each hook says nothing.
  if ('trouble' in read) {
    const why = `${configPath}: ${read.trouble} Codex itself will not start with it`
    return { installed, trusted: false, why, skipped: [] }
  }
  const table = approvalsOf(read.table)
  const file = await hooksFileOf(disk, codexHome)
  const odd = hooks.flatMap((hook) => {
    const status = trustStatus(file, hook, table)
    return status === 'trusted' ? [] : [{ hook, status }]
  })
  const own = odd.find(({ hook }) => isOwn(hook))
  const others = odd.filter(({ hook }) => !isOwn(hook))
  const canonical = others.length > 0 ? await canonicalHooks(desk) : null
  return {
    installed,
    trusted: installed && own === undefined,
    why: own ? `It is ${words[own.status]}` : null,
    skipped: others.map(({ hook, status }) => ({
      hook: `${hook.event}:${hook.group}:${hook.handler}`,
      why: status,
      origin: canonical && (canonical.has(nameOf(hook)) ? 'master' : 'local'),
    })),
  }
}

const isOwn = ({ command }: Hook): boolean => command !== null && isOwnCommand(command)
const nameOf = ({ event, hash }: Hook): string => `${event} ${hash}`

/** Null where they cannot be opened here now. */
async function canonicalHooks({ follower }: FollowerDesk): Promise<ReadonlySet<string> | null> {
  const { state, blobs, id, keys } = follower
  if (!state) return null
  const { secrets, closed } = await openSecrets(state, blobs, id, keys.seal)
  if (closed.has(hooksPath)) return null
  const sent = secrets.get(hooksPath)
  const text = sent && textOf(sent.plain)
  return new Set(text ? readHooksFile(splitApproved(text).hooks, thisPlatform()).hooks.map(nameOf) : [])
}

export function wordsOf({ installed, trusted, why }: HookStatus): string {
  if (!installed) return why === null ? 'not installed (`stemma hook install`)' : 'not installed'
  return trusted ? 'installed; Codex runs it' : 'installed, but Codex will skip it'
}

const words = {
  untrusted: 'not approved yet',
  modified: 'changed since you approved it',
  disabled: 'disabled in Codex',
} as const satisfies Record<Skipped['why'], string>

/** Hooks that are there and will not run (S53). */
export function tellSkipped({ out }: Context, { installed, skipped, why }: HookStatus): void {
  const what = installed ? 'Codex will skip the session hook. ' : 'Codex runs no hook. '
  if (why !== null) out.flow(0, yellow(what), why.replace(/\.?$/, '.'))
  if (skipped.length === 0) return
  const groups = new Map<string, number>()
  for (const { origin, why: status } of skipped) {
    const whose = { master: ' from the master', local: ' of your own', none: '' }[origin ?? 'none']
    const group = `${whose} (${words[status]})`
    groups.set(group, (groups.get(group) ?? 0) + 1)
  }
  const isOpen = skipped.some(({ why: status }) => status !== 'disabled')
  out.flow(
    0,
    yellow('Codex skips '),
    counted(skipped.length, 'hook'),
    ' of hooks.json: ',
    [...groups].map(([group, count]) => `${count}${group}`).join(', '),
    isOpen ? '. Approve them in Codex.' : '.',
  )
}
