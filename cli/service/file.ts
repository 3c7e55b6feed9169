/**
 * The files of a service on disk.
 * Always holds: a file that is not ours is neither replaced nor removed; each is replaced whole.
 */
import { dirname } from 'node:path'
import type { Disk } from '../../engine/disk/disk.ts'
import { readFile, saveFile } from '../../engine/disk/save.ts'
import { makeDirs } from '../../engine/disk/tree.ts'
import type { Ids } from '../../engine/env/ids.ts'
import { Fault } from '../../schemas/fault.ts'
import { serviceFileBytesMax } from '../../schemas/limits-cli.ts'
import { mark, type ServiceFile } from './service.ts'

/** Windows tells UTF-16 by its first letter. */
export const bytesOf = ({ text, encoding }: Pick<ServiceFile, 'text' | 'encoding'>): Buffer =>
  Buffer.from(encoding === 'utf16le' ? `\ufeff${text}` : text, encoding)

/** What lies there; null when nothing does. @throws Fault `not-ours`. */
export async function readOwn(disk: Disk, path: string): Promise<Buffer | null> {
  const stat = await disk.stat(path)
  if (stat === null) return null
  const bytes = stat.kind === 'file' ? await readFile(disk, path, serviceFileBytesMax) : null
  const text = bytes?.toString(bytes[0] === 0xff ? 'utf16le' : 'utf8')
  if (bytes === null || text?.includes(mark) !== true)
    throw new Fault('not-ours', `${path} was not made by stemma; it stays as it is.`, { file: path })
  return bytes
}

/** Is it what would be written now, whatever options it has? @throws Fault `not-ours`. */
export async function isCurrent(disk: Disk, file: ServiceFile, optionLine: RegExp): Promise<boolean> {
  const bytes = await readOwn(disk, file.path)
  const rest = (text: string) =>
    text
      .split('\n')
      .filter((line) => !optionLine.test(line))
      .join('\n')
  return bytes !== null && rest(bytes.toString(file.encoding)) === rest(bytesOf(file).toString(file.encoding))
}

export async function writeFile(disk: Disk, ids: Ids, file: ServiceFile): Promise<void> {
  await makeDirs(disk, dirname(file.path), 0o700)
  await saveFile(disk, ids, file.path, bytesOf(file), file.mode)
}
