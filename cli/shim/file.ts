/**
 * The shim as a file: `<STEMMA_HOME>/bin/codex`, or `codex.cmd`.
 * Always holds: a file that carries no mark of ours is neither replaced nor removed.
 */
import { join } from 'node:path'
import type { Disk } from '../../engine/disk/disk.ts'
import { readFile, saveFile } from '../../engine/disk/save.ts'
import { makeDirs } from '../../engine/disk/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import { settingsBytesMax } from '../../schemas/limits.ts'
import { hookScript } from '../built.ts'
import type { Context } from '../context.ts'
import { thisPlatform } from '../name.ts'
import { quoteSh } from './command.ts'
import { shimMark, shimName, shimScript } from './script.ts'

export const shimFolder = ({ homes }: Context): string => join(homes.stemmaHome, 'bin')
export const shimFile = (context: Context): string => join(shimFolder(context), shimName(thisPlatform()))

/** True when it was not there as it is now. */
export async function writeShim(context: Context, disk: Disk): Promise<boolean> {
  const { homes, ids } = context
  const text = shimScript({
    platform: thisPlatform(),
    node: process.execPath,
    script: hookScript,
    args: ['before', homes.stemmaHome, homes.codexHome],
  })
  const found = await readOwn(disk, shimFile(context))
  if (found === text) return false
  await makeDirs(disk, shimFolder(context), 0o700)
  await saveFile(disk, ids, shimFile(context), Buffer.from(text), 0o700)
  return true
}

/** True when there was one. */
export async function removeShim(context: Context, disk: Disk): Promise<boolean> {
  if ((await readOwn(disk, shimFile(context))) === null) return false
  await disk.unlink(shimFile(context))
  await disk.removeDir(shimFolder(context))
  return true
}

/** Is one of ours there? */
export async function hasShim(context: Context, disk: Disk): Promise<boolean> {
  try {
    return (await readOwn(disk, shimFile(context))) !== null
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-ours') return false
    throw error
  }
}

/** The line that puts it first on PATH, for a shell's start file. */
export const pathLine = (context: Context): string => `export PATH=${quoteSh(shimFolder(context))}:"$PATH"`

/** The text of our shim; null when nothing is there. @throws Fault `not-ours`. */
async function readOwn(disk: Disk, file: string): Promise<string | null> {
  const stat = await disk.stat(file)
  if (stat === null) return null
  const text = stat.kind === 'file' ? (await readFile(disk, file, settingsBytesMax))?.toString() : undefined
  const mark = text?.split(/\r?\n/)[1]
  if (text === undefined || !(mark === `# ${shimMark}` || mark === `rem ${shimMark}`))
    throw new Fault('not-ours', `${file} was not made by stemma; it stays as it is.`, { file })
  return text
}

/** Is it the first `codex` that a shell finds? */
export function isFirst(context: Context): boolean {
  const { env } = context
  const windows = thisPlatform() === 'win32'
  const [first] = (env['PATH'] ?? env['Path'] ?? '').split(windows ? ';' : ':')
  return first !== undefined && join(first) === shimFolder(context)
}
