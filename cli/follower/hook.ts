/**
 * Is our hook installed, and will Codex really run it (S53)?
 */

import { readHooksFile } from '../../engine/codex/hook.ts'
import { trustStatus } from '../../engine/codex/trust.ts'
import { approvalsOf, hooksFileOf } from '../../engine/compose/approvals.ts'
import { isOwnCommand } from '../../engine/compose/hooks.ts'
import { readFile } from '../../engine/disk/save.ts'
import { readToml } from '../../engine/toml/toml.ts'
import { isRefusal } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import { thisPlatform } from '../name.ts'
import type { FollowerDesk } from './desk.ts'

export type HookStatus = {
  readonly installed: boolean
  readonly trusted: boolean
  readonly why: string | null
}

export async function hookStatus({ disk, context }: FollowerDesk): Promise<HookStatus> {
  const { codexHome } = context.homes
  const hooks = await readFile(disk, `${codexHome}/hooks.json`, secretBytesMax)
  const { hooks: list, fault } = readHooksFile(hooks?.toString() ?? '{}', thisPlatform())
  const own = list.find(({ command }) => command !== null && isOwnCommand(command))
  if (!own) return { installed: false, trusted: false, why: fault }
  const config = await readFile(disk, `${codexHome}/config.toml`, secretBytesMax)
  const read = readToml(config?.toString() ?? '')
  if (isRefusal(read)) return { installed: true, trusted: false, why: read.why }
  const file = await hooksFileOf(disk, codexHome)
  const status = trustStatus(file, own, approvalsOf(read.table))
  return {
    installed: true,
    trusted: status === 'trusted',
    why: status === 'trusted' ? null : `it is ${status}`,
  }
}

export function wordsOf({ installed, trusted, why }: HookStatus): string {
  if (!installed) return 'not installed (`stemma hook install`)'
  return trusted ? 'installed; Codex runs it' : `installed, but Codex will skip it: ${why}`
}
