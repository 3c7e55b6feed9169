/** What this machine is called in the log of another. */
import { hostname } from 'node:os'
import type { Settings } from '../schemas/settings.ts'
import { isName } from '../schemas/shape.ts'

export function machineName(settings: Settings): string {
  const own = hostname().slice(0, 60)
  return settings.name ?? (isName(own) ? own : 'unnamed')
}
