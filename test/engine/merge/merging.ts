/** A merge as the tests ask for one. */
import { type Last, type Merged, mergeConfig } from '../../../engine/merge/merge.ts'
import type { Take } from '../../../engine/merge/weigh.ts'
import { isRefusal, type Refusal } from '../../../schemas/fault.ts'

export const sure = <T extends object>(value: T | Refusal): T => {
  if (isRefusal(value)) throw new Error(value.why)
  return value
}
export const merge = (
  canonical: string,
  local: string | null,
  last: Last | null = null,
  take?: [string, Take],
): Merged => sure(mergeConfig({ canonical, local, last, ...(take && { take: new Map([take]) }) }))
/** A file that we wrote, with nothing in dispute. */
export const wrote = (canonical: string): Last => ({ canonical, standing: [], settled: [], former: [] })
