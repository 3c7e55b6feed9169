/** What this machine is called in the log of another, and what it runs on. */
import { hostname, platform } from 'node:os'
import type { FollowerLocal, Settings } from '../schemas/settings.ts'
import { isName, type Platform } from '../schemas/shape.ts'

export function machineName(settings: Settings, local: FollowerLocal | null): string {
  const own = hostname().slice(0, 60)
  return local?.name ?? settings.name ?? (isName(own) ? own : 'unnamed')
}

const known: ReadonlySet<string> = new Set(['linux', 'darwin', 'win32'])
const isKnown = (name: string): name is Platform => known.has(name)
export function thisPlatform(): Platform {
  const name = platform()
  return isKnown(name) ? name : 'other'
}
