/**
 * Codex on the search path, and the shim before it.
 * Always holds: the only foreign program that is started is `codex --version`, with a home that is none: it would put
 * files of its own into the real one.
 */
import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'
import type { Disk } from '../../../engine/disk/disk.ts'
import { readFile } from '../../../engine/disk/save.ts'
import { settingsBytesMax } from '../../../schemas/limits.ts'
import { versionTimeoutMs } from '../../../schemas/limits-cli.ts'
import type { Context } from '../../context.ts'
import { thisPlatform } from '../../name.ts'
import { hasShim, shimFile } from '../../shim/file.ts'
import { type Program, windowsCodex } from '../../shim/find.ts'
import { shimMark, shimName } from '../../shim/script.ts'
import type { CodexFacts, ShimFacts } from '../facts.ts'
import { readShim } from '../words.ts'
import { attempt } from './attempt.ts'

export async function lookAtCodex(
  context: Context,
  disk: Disk,
): Promise<{ readonly codex: CodexFacts; readonly shim: ShimFacts | null }> {
  const onPath = await findAll(disk, pathOf(context))
  const found = onPath.find(({ isShim }) => !isShim)?.file
  const plain = found === undefined ? null : { file: found, args: [] }
  const program = thisPlatform() === 'win32' ? await windowsCodex(disk, pathOf(context)) : plain
  const home = (await attempt(() => disk.realPath(context.homes.codexHome))).got
  return {
    codex: {
      file: program?.file ?? null,
      version: program && (await versionOf(context, program)),
      hasHome: home !== null && (await attempt(() => disk.stat(home))).got?.kind === 'folder',
    },
    shim: await lookAtShim(context, disk, onPath),
  }
}

const pathOf = ({ env }: Context): string => env['PATH'] ?? env['Path'] ?? ''

type OnPath = { readonly file: string; readonly isShim: boolean }

/** Every `codex` that a shell could find, in its order. */
async function findAll(disk: Disk, path: string): Promise<OnPath[]> {
  const windows = thisPlatform() === 'win32'
  const names = windows ? ['codex.exe', 'codex.cmd'] : [shimName('linux')]
  const found: OnPath[] = []
  for (const folder of path.split(delimiter))
    for (const name of names) {
      const file = join(folder || '.', name)
      const real = (await attempt(() => disk.realPath(file))).got
      const stat = real === null ? null : (await attempt(() => disk.stat(real))).got
      if (real === null || stat?.kind !== 'file' || !(windows || (stat.mode & 0o111) !== 0)) continue
      found.push({ file, isShim: await isShim(disk, real) })
    }
  return found
}

async function isShim(disk: Disk, file: string): Promise<boolean> {
  // Codex itself is larger than any shim.
  const text = (await attempt(() => readFile(disk, file, settingsBytesMax))).got?.toString() ?? ''
  return (text.split(/\r?\n/, 2)[1] ?? '').replace(/^(?:#|rem) /, '') === shimMark
}

async function lookAtShim(
  context: Context,
  disk: Disk,
  onPath: readonly OnPath[],
): Promise<ShimFacts | null> {
  if ((await attempt(() => hasShim(context, disk))).got !== true) return null
  const file = shimFile(context)
  const text = (await attempt(() => readFile(disk, file, settingsBytesMax))).got?.toString() ?? ''
  const named = readShim(text)
  const gone: string[] = []
  for (const path of named ? [named.node, named.script] : [])
    if ((await attempt(() => disk.realPath(path))).got === null) gone.push(path)
  const at = onPath.findIndex((one) => one.isShim)
  const stat = (await attempt(() => disk.stat(file))).got
  return {
    file,
    gone,
    isExecutable: disk.windows || ((stat?.mode ?? 0) & 0o100) !== 0,
    found: at === -1 ? 'never' : at === 0 ? 'first' : 'behind',
  }
}

/** Null when it cannot be started or says something else. */
function versionOf({ env, homes, signal }: Context, { file, args }: Program): Promise<string | null> {
  const none = join(homes.stemmaHome, 'no-codex-home')
  const options = {
    env: { ...env, CODEX_HOME: none },
    timeout: versionTimeoutMs,
    windowsHide: true,
    signal,
  }
  return new Promise((resolve) => {
    execFile(file, [...args, '--version'], options, (_error, stdout) =>
      resolve(/^codex(?:-cli)? (\d+\.\d+\.\d+\S*)\s*$/m.exec(stdout)?.[1] ?? null),
    )
  })
}
