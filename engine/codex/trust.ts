/**
 * Approvals of hooks: the `[hooks.state]` table of config.toml, whose keys name places. Pure.
 * Always holds: no hook becomes trusted that was not approved under the very same hash in the same file; entries
 * of other files stay as they are; where no hook changes nothing does.
 */
import type { Value } from '../toml/value.ts'
import { type Hook, hookKey } from './hook.ts'

/** One entry: `trusted_hash`, `enabled`, and whatever a later Codex adds. */
export type TrustEntry = Readonly<Record<string, Value>>
/** The table `hooks.state` as parsed: entries by `hookKey`. */
export type TrustTable = Readonly<Record<string, TrustEntry>>

/** What Codex makes of a hook: only `trusted` runs. */
export type TrustStatus = 'trusted' | 'untrusted' | 'modified' | 'disabled'

export function trustStatus(file: string, hook: Hook, table: TrustTable): TrustStatus {
  const entry = table[hookKey(file, hook)]
  if (entry?.['enabled'] === false) return 'disabled'
  const approved = entry?.['trusted_hash']
  if (typeof approved !== 'string') return 'untrusted'
  return approved === hook.hash ? 'trusted' : 'modified'
}

/** The table with these hooks approved as they are now. One that the user has disabled stays disabled. */
export function approve(file: string, hooks: readonly Hook[], table: TrustTable): TrustTable {
  const approved = hooks.map((hook) => {
    const key = hookKey(file, hook)
    return [key, { ...table[key], trusted_hash: hook.hash }] as const
  })
  return { ...table, ...Object.fromEntries(approved) }
}

/** The table without any approval of these hashes in this file. What the user has disabled stays disabled. */
export function disapprove(file: string, hashes: ReadonlySet<string>, table: TrustTable): TrustTable {
  return Object.fromEntries(
    Object.entries(table).flatMap(([key, entry]) => {
      const { trusted_hash: approved, ...rest } = entry
      if (typeof approved !== 'string' || !hashes.has(approved) || !isKeyOf(file, key)) return [[key, entry]]
      return Object.keys(rest).length === 0 ? [] : [[key, rest]]
    }),
  )
}

/**
 * The table after the hooks of one file were added, moved or removed: each entry follows its hook.
 * A hook that is new to the file is approved where an entry of the file has its hash, so one that was changed and
 * then changed back needs no second approval. So is one whose entry is at none of these places: the table may have
 * been put before a file that then could not be. Entries of hooks that are gone leave with them.
 * @param before the hooks of the file that the table was made for, as far as that is known.
 */
export function moveTrust(
  file: string,
  before: readonly Hook[],
  after: readonly Hook[],
  table: TrustTable,
): TrustTable {
  const entries = Object.entries(table)
  const own = entries.filter(([key]) => isKeyOf(file, key))
  const origins = pairUp(before, after)
  const settled = new Set(
    before.filter((hook) => isFor(hook, table[hookKey(file, hook)])).map((hook) => hookKey(file, hook)),
  )
  const strays = own.filter(([key]) => !settled.has(key))
  const moved = new Map<string, TrustEntry>()
  for (const hook of after) {
    const origin = origins.get(hook)
    const there = origin && table[hookKey(file, origin)]
    const found = (origin ? strays : own).find(
      ([, candidate]) => candidate['trusted_hash'] === hook.hash,
    )?.[1]
    const entry = isFor(hook, there) ? there : (found ?? there)
    if (entry) moved.set(hookKey(file, hook), entry)
  }
  const taken = new Set([...before, ...after].map((hook) => hookKey(file, hook)))
  const kept = entries.filter(([key]) => !isKeyOf(file, key) || !taken.has(key))
  return Object.fromEntries([...kept, ...moved])
}

/** The entry at a hook's place speaks of this very hook; who disables a place means whatever stands there. */
const isFor = (hook: Hook, entry: TrustEntry | undefined): boolean =>
  entry?.['trusted_hash'] === hook.hash || entry?.['enabled'] === false

/** Which hook of before each hook of after is: the same declaration, at the same place where there are several. */
function pairUp(before: readonly Hook[], after: readonly Hook[]): ReadonlyMap<Hook, Hook> {
  const left = new Set(before)
  const pairs = new Map<Hook, Hook>()
  const take = (same: (was: Hook, is: Hook) => boolean) => {
    for (const is of after) {
      if (pairs.has(is)) continue
      for (const was of left) {
        if (was.event !== is.event || was.hash !== is.hash || !same(was, is)) continue
        left.delete(was)
        pairs.set(is, was)
        break
      }
    }
  }
  take((was, is) => was.group === is.group && was.handler === is.handler)
  take(() => true)
  return pairs
}

const placeForm = /^[a-z_]+:\d+:\d+$/
const isKeyOf = (file: string, key: string): boolean =>
  key.startsWith(`${file}:`) && placeForm.test(key.slice(file.length + 1))
