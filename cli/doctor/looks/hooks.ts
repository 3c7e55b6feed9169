/** What Codex would make of its config and of our hooks. */
import { join } from 'node:path'
import { type Auth, readAuth } from '../../../engine/codex/auth.ts'
import { readHooksFile } from '../../../engine/codex/hook.ts'
import { trustStatus } from '../../../engine/codex/trust.ts'
import { approvalsOf, hooksFileOf } from '../../../engine/compose/approvals.ts'
import { authPath } from '../../../engine/compose/hold.ts'
import { isOwnCommand } from '../../../engine/compose/hooks.ts'
import { configPath, hooksPath, isConfig, textOf } from '../../../engine/compose/kind.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { readFile } from '../../../engine/disk/save.ts'
import { judgeConfig } from '../../../engine/merge/judge.ts'
import { readToml } from '../../../engine/toml/toml.ts'
import { isTable } from '../../../engine/toml/value.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { secretBytesMax } from '../../../schemas/limits.ts'
import type { Context } from '../../context.ts'
import { thisPlatform } from '../../name.ts'
import type { ConfigFault, HookFacts, OwnHook } from '../facts.ts'
import { readHookCommand } from '../words.ts'
import { attempt } from './attempt.ts'

/** config.toml and every profile that Codex would refuse. */
export async function lookAtConfig({ homes }: Context, disk: Disk): Promise<readonly ConfigFault[]> {
  const faults: ConfigFault[] = []
  for (const { name, kind } of (await attempt(() => disk.list(homes.codexHome))).got ?? []) {
    if (!isConfig(name) || kind === 'folder') continue
    const { got, told } = await read(disk, join(homes.codexHome, name))
    const why = told?.message ?? (got === null ? null : judge(got))
    if (why !== null) faults.push({ path: name, why })
  }
  return faults
}

function judge(bytes: Buffer): string | null {
  const text = textOf(bytes)
  return text === null ? 'It is not UTF-8 text.' : judgeConfig(text)
}

/** Follows a link: whoever keeps config.toml elsewhere has Codex read it there. */
const read = (disk: Disk, path: string) =>
  attempt(async () => {
    const real = await disk.realPath(path)
    return real === null ? null : readFile(disk, real, secretBytesMax)
  })

export async function lookAtHooks({ homes }: Context, disk: Disk, isWanted: boolean): Promise<HookFacts> {
  const { stemmaHome, codexHome } = homes
  const text = (await read(disk, join(codexHome, hooksPath))).got?.toString() ?? '{}'
  const { hooks, fault } = readHooksFile(text, thisPlatform())
  const parsed = readToml((await read(disk, join(codexHome, configPath))).got?.toString() ?? '')
  const table = isRefusal(parsed) ? {} : parsed.table
  const features = table['features']
  const file = (await attempt(() => hooksFileOf(disk, codexHome))).got ?? ''
  const own: OwnHook[] = []
  for (const hook of hooks) {
    if (hook.command === null || !isOwnCommand(hook.command)) continue
    const words = readHookCommand(hook.command)
    own.push({
      event: hook.event,
      status: trustStatus(file, hook, approvalsOf(table)),
      gone: words && (await goneOf(disk, [words.node, words.script])),
      isForHere: words === null || (words.stemmaHome === stemmaHome && words.codexHome === codexHome),
    })
  }
  return { isWanted, fault, isOff: isTable(features) && features['hooks'] === false, own }
}

async function goneOf(disk: Disk, paths: readonly string[]): Promise<string[]> {
  const gone: string[] = []
  for (const path of paths) if ((await attempt(() => disk.realPath(path))).got === null) gone.push(path)
  return gone
}

export async function lookAtLogin({ homes }: Context, disk: Disk): Promise<Auth | null> {
  const { got } = await read(disk, join(homes.codexHome, authPath))
  return got && readAuth(got.toString())
}
