/**
 * `settings.toml` and `local.toml` on disk.
 * Always holds: what is loaded or saved has passed its schema; a file is replaced whole and is 0600.
 */
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { settingsBytesMax } from '../../schemas/limits.ts'
import { type Local, local, type Settings, type SettingsInput, settings } from '../../schemas/settings.ts'
import { v } from '../../schemas/shape.ts'
import { selectionFault } from '../canon/selection.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import { type Plain, parseToml, printToml } from '../toml/toml.ts'

/** The settings with every default filled in; all defaults when there is no file. */
export async function loadSettings(disk: Disk, stemmaHome: string): Promise<Settings> {
  const file = join(stemmaHome, 'settings.toml')
  const checked = check(settings, (await load(disk, file)) ?? {}, file)
  const fault = selectionFault(checked.selection)
  if (fault === null) return checked
  const { key, why } = fault
  throw new Fault('bad-settings', `The key ${key} in ${file} is wrong: ${why}.`, { file, key })
}

/** Writes just the given keys. Comments of an older file are lost: for files that stemma makes itself. */
export async function saveSettings(
  disk: Disk,
  ids: Ids,
  stemmaHome: string,
  input: SettingsInput,
): Promise<void> {
  const path = join(stemmaHome, 'settings.toml')
  check(settings, input, path)
  await save(disk, ids, path, input)
}

/** What this machine is; null before `master init` or `follower join`. @throws Fault `bad-local`. */
export async function loadLocal(disk: Disk, stemmaHome: string): Promise<Local | null> {
  const path = join(stemmaHome, 'local.toml')
  try {
    const table = await load(disk, path)
    return table && check(local, table, path)
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'bad-settings') throw error
    throw new Fault('bad-local', error.message, error.facts, error)
  }
}

export async function saveLocal(disk: Disk, ids: Ids, stemmaHome: string, value: Local): Promise<void> {
  const path = join(stemmaHome, 'local.toml')
  await save(disk, ids, path, check(local, value, path))
}

async function load(disk: Disk, path: string): Promise<Plain | null> {
  const bytes = await readFile(disk, path, settingsBytesMax)
  if (bytes === null) return null
  try {
    return parseToml(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Fault('bad-settings', `${path} is not UTF-8 text.`, { file: path }, error)
  }
}

const save = (disk: Disk, ids: Ids, path: string, table: Plain): Promise<void> =>
  saveFile(disk, ids, path, Buffer.from(printToml(table)), 0o600)

/** @throws Fault `bad-settings` that names the file and the key. */
function check<S extends v.GenericSchema>(schema: S, table: unknown, file: string): v.InferOutput<S> {
  const checked = v.safeParse(schema, table)
  if (checked.success) return checked.output
  const [issue] = checked.issues
  const key = v.getDotPath(issue) ?? ''
  const facts = { file, key }
  if (issue.type === 'strict_object' && issue.expected === 'never')
    throw new Fault('bad-settings', `${file} has a key that this version does not know: ${key}.`, facts)
  if (issue.received === 'undefined' && issue.type === 'strict_object')
    throw new Fault('bad-settings', `${file} lacks the key ${key}.`, facts)
  throw new Fault('bad-settings', `The key ${key} in ${file} is wrong: ${issue.message}.`, facts)
}
