/**
 * Approvals of hooks as they stand in config.toml, and the edits that bring them to what they should be.
 */
import type { TrustEntry, TrustTable } from '../codex/trust.ts'
import type { Disk } from '../disk/disk.ts'
import type { Edit } from '../toml/edit.ts'
import { isTable, type Table } from '../toml/value.ts'
import { hooksPath } from './kind.ts'

/** hooks.json as Codex names it in its keys: the real path of the home. */
export async function hooksFileOf(disk: Disk, codexHome: string): Promise<string> {
  const home = (await disk.realPath(codexHome)) ?? codexHome
  return `${home}${disk.windows ? '\\' : '/'}${hooksPath}`
}

/** The table `hooks.state` of a parsed config.toml; what is no table in it is left out. */
export function approvalsOf(config: Table): TrustTable {
  const hooks = config['hooks']
  const state = isTable(hooks) ? hooks['state'] : undefined
  const table: Record<string, TrustEntry> = {}
  if (isTable(state)) for (const [key, entry] of Object.entries(state)) if (isTable(entry)) table[key] = entry
  return table
}

export function approvalEdits(before: TrustTable, after: TrustTable): Edit[] {
  const edits: Edit[] = []
  for (const key of Object.keys(before))
    if (!(key in after)) edits.push({ path: ['hooks', 'state', key], unset: true, prune: true })
  for (const [key, entry] of Object.entries(after)) {
    if (JSON.stringify(before[key]) === JSON.stringify(entry)) continue
    for (const [field, value] of Object.entries(entry)) {
      if (typeof value === 'string' || typeof value === 'boolean')
        edits.push({ path: ['hooks', 'state', key, field], value })
    }
  }
  return edits
}
