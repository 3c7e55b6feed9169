/**
 * Is our hook installed, and will Codex really run it (S53)?
 */

import { type Hook, readHooksFile } from '../../engine/codex/hook.ts'
import { trustStatus } from '../../engine/codex/trust.ts'
import { approvalsOf, hooksFileOf } from '../../engine/compose/approvals.ts'
import { isOwnCommand } from '../../engine/compose/hooks.ts'
import { readFile } from '../../engine/disk/save.ts'
import { readToml } from '../../engine/toml/toml.ts'
import { isRefusal } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import type { Context } from '../context.ts'
import { thisPlatform } from '../name.ts'
import { counted } from '../ui/amount.ts'
import { yellow } from '../ui/paint.ts'
import type { FollowerDesk } from './desk.ts'

export type HookStatus = {
  readonly installed: boolean
  readonly trusted: boolean
  readonly why: string | null
  /** Other hooks of hooks.json that Codex will skip, by their place: a command may hold secrets. */
  readonly skipped: readonly { readonly hook: string; readonly why: string }[]
}

export async function hookStatus({ disk, context }: FollowerDesk): Promise<HookStatus> {
  const { codexHome } = context.homes
  const text = await readFile(disk, `${codexHome}/hooks.json`, secretBytesMax)
  const { hooks, fault } = readHooksFile(text?.toString() ?? '{}', thisPlatform())
  const own = hooks.filter(isOwn)
  if (own.length === 0 && fault !== null) return { installed: false, trusted: false, why: fault, skipped: [] }
  const config = await readFile(disk, `${codexHome}/config.toml`, secretBytesMax)
  const read = readToml(config?.toString() ?? '')
  const table = isRefusal(read) ? {} : approvalsOf(read.table)
  const file = await hooksFileOf(disk, codexHome)
  const odd = hooks
    .map((hook) => ({ hook, status: trustStatus(file, hook, table) }))
    .filter(({ status }) => status !== 'trusted')
  const bad = odd.find(({ hook }) => isOwn(hook))
  const why = isRefusal(read) ? read.why : bad ? `it is ${bad.status}` : null
  return {
    installed: own.length > 0,
    trusted: own.length > 0 && why === null,
    why: own.length > 0 ? why : null,
    skipped: odd
      .filter(({ hook }) => !isOwn(hook))
      .map(({ hook, status }) => ({ hook: `${hook.event}:${hook.group}:${hook.handler}`, why: status })),
  }
}

const isOwn = ({ command }: Hook): boolean => command !== null && isOwnCommand(command)

export function wordsOf({ installed, trusted }: HookStatus): string {
  if (!installed) return 'not installed (`stemma hook install`)'
  return trusted ? 'installed; Codex runs it' : 'installed, but Codex will skip it'
}

/** Hooks that are there and will not run (S53). */
export function tellSkipped({ out }: Context, { installed, skipped, why }: HookStatus): void {
  const what = installed ? 'Codex will skip the session hook: ' : 'Codex drops hooks.json: '
  if (why !== null) out.flow(0, yellow(what), why.replace(/\.?$/, '.'))
  if (skipped.length === 0) return
  out.flow(
    0,
    yellow('Codex skips '),
    counted(skipped.length, 'hook'),
    ' of hooks.json until you approve them in Codex: ',
    skipped.map(({ hook, why }) => `${hook} (${why})`).join(', '),
  )
}
