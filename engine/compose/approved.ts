/**
 * Which canonical hooks the master has approved: hashes that travel behind hooks.json, in the same seal, after a byte
 * that no JSON text can hold (S50).
 * Always holds: without an approval nothing is added, so the file is published byte for byte; a follower trusts by
 * the hash that it computes itself, so an approval never covers what another platform would run instead.
 */
import { isRefusal } from '../../schemas/fault.ts'
import type { Platform } from '../../schemas/shape.ts'
import { readHooksFile } from '../codex/hook.ts'
import { trustStatus } from '../codex/trust.ts'
import { readToml } from '../toml/toml.ts'
import { approvalsOf } from './approvals.ts'

const mark = '\0'

/**
 * The hashes of hooks that are approved at their place, and not disabled.
 * @param file where the hooks lie on the master, as Codex names it: an approval for another file is none for this one.
 */
export function approvedHooks(
  file: string,
  hooks: string,
  config: string,
  platform: Platform,
): readonly string[] {
  const read = readToml(config)
  if (isRefusal(read)) return []
  const table = approvalsOf(read.table)
  const approved = readHooksFile(hooks, platform).hooks.filter(
    (hook) => trustStatus(file, hook, table) === 'trusted',
  )
  return [...new Set(approved.map(({ hash }) => hash))].sort()
}

export const withApproved = (hooks: string, approved: readonly string[]): string =>
  approved.length === 0 ? hooks : `${hooks}${mark}${JSON.stringify(approved)}`

/** Both parts again; nothing is approved where the second one makes no sense. */
export function splitApproved(published: string): {
  readonly hooks: string
  readonly approved: ReadonlySet<string>
} {
  const at = published.indexOf(mark)
  if (at === -1) return { hooks: published, approved: new Set() }
  return { hooks: published.slice(0, at), approved: readList(published.slice(at + mark.length)) }
}

function readList(text: string): ReadonlySet<string> {
  try {
    const list: unknown = JSON.parse(text)
    return new Set(Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [])
  } catch {
    return new Set()
  }
}
