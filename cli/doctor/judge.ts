/** All checks, in the order in which people should read what they find. Pure. */
import { codex, config, shim } from './checks/codex.ts'
import { network, room, synced } from './checks/folder.ts'
import { conflicts, left, login, planned } from './checks/home.ts'
import { hook } from './checks/hook.ts'
import { master } from './checks/link.ts'
import { mute, sockets, watcher } from './checks/lock.ts'
import { modes, owner } from './checks/modes.ts'
import { publishing, reach, serve, watches } from './checks/serve.ts'
import { launcher, manager, service, unit } from './checks/service.ts'
import { codexHome, otherHome, settings } from './checks/setup.ts'
import { contents, cutOff, fork, keys, leftovers, log, records } from './checks/stored.ts'
import type { Facts } from './facts.ts'
import type { Check, Finding } from './finding.ts'

const checks: readonly Check[] = [
  ...[settings, owner, modes, keys, fork, log, contents, records],
  ...[room, synced, network, mute],
  ...[launcher, service, serve, manager, unit, reach, publishing, watches, master],
  ...[codexHome, codex, config, hook, shim],
  ...[cutOff, planned, left, conflicts, login],
  ...[watcher, sockets, leftovers],
]

/** Faults first. */
export function judge(facts: Facts): readonly Finding[] {
  // Judged by a home that is not its own, all of the rest would be wrong.
  const all = (facts.keeps === null ? checks : [otherHome]).flatMap((check) => check(facts))
  return [...all.filter(({ level }) => level === 'fault'), ...all.filter(({ level }) => level === 'warning')]
}
