/**
 * Approvals of hooks as they stand in config.toml, and the edits that bring them to what they should be.
 */
import { basename, dirname } from 'node:path'
import type { TrustEntry, TrustTable } from '../codex/trust.ts'
import type { Disk } from '../disk/disk.ts'
import type { Edit } from '../toml/edit.ts'
import { isTable, same, type Table } from '../toml/value.ts'
import { hooksPath } from './kind.ts'

/** hooks.json as Codex names it in its keys: the real path of the home, or what it will be once it is made. */
export async function hooksFileOf(disk: Disk, codexHome: string): Promise<string> {
  const missing: string[] = []
  let at = codexHome
  let real = await disk.realPath(at)
  while (real === null && dirname(at) !== at) {
    missing.unshift(basename(at))
    at = dirname(at)
    real = await disk.realPath(at)
  }
  const file = [(real ?? at).replace(/[\\/]+$/, ''), ...missing, hooksPath].join('/')
  return disk.windows ? file.replaceAll('/', '\\') : file
}

/** The table `hooks.state` of a parsed config.toml; what is no table in it is left out. */
export function approvalsOf(config: Table): TrustTable {
  const hooks = config['hooks']
  const state = isTable(hooks) ? hooks['state'] : undefined
  const table: Record<string, TrustEntry> = Object.create(null)
  if (isTable(state)) for (const [key, entry] of Object.entries(state)) if (isTable(entry)) table[key] = entry
  return table
}

export function approvalEdits(before: TrustTable, after: TrustTable): Edit[] {
  const edits: Edit[] = []
  for (const key of Object.keys(before))
    if (!(key in after)) edits.push({ path: ['hooks', 'state', key], unset: true, prune: true })
  for (const [key, entry] of Object.entries(after)) {
    const was = before[key] ?? {}
    const at = ['hooks', 'state', key]
    // What another hook was told at this place is not told to the one that comes here.
    for (const field of Object.keys(was))
      if (!(field in entry)) edits.push({ path: [...at, field], unset: true })
    for (const [field, value] of Object.entries(entry))
      if (!same(was[field], value)) edits.push({ path: [...at, field], value })
  }
  return edits
}
