/**
 * Codex on the search path of Windows. Elsewhere the shim's own script finds it.
 * Always holds: what is found can be started with any arguments, which a batch file cannot: of npm's `codex.cmd` it is
 * the script that it starts.
 */
import type { Disk } from '../../engine/disk/disk.ts'

export type Program = { readonly file: string; readonly args: readonly string[] }

export async function windowsCodex(disk: Disk, path: string): Promise<Program | null> {
  const isFile = async (file: string) => (await disk.stat(file))?.kind === 'file'
  for (const folder of path.split(';').filter(Boolean)) {
    if (await isFile(`${folder}\\codex.exe`)) return { file: `${folder}\\codex.exe`, args: [] }
    const script = `${folder}\\node_modules\\@openai\\codex\\bin\\codex.js`
    if ((await isFile(`${folder}\\codex.cmd`)) && (await isFile(script)))
      return { file: process.execPath, args: [script] }
  }
  return null
}
